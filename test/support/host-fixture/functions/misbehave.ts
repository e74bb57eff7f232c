let calls = 0;

/** Does the wrong thing that the path asks for. */
export const handler = async (event: { pathParameters: { how: string } }) => {
  calls += 1;
  switch (event.pathParameters.how) {
    case 'throw':
      throw new RangeError('out of range');
    case 'hang':
      return new Promise(() => setInterval(() => undefined, 1000));
    case 'exit':
      process.exit(3);
      break;
    case 'unhandled':
      setTimeout(() => {
        throw new Error('nobody caught this');
      }, 0);
      return new Promise(() => setInterval(() => undefined, 1000));
    case 'memory': {
      const hoard: unknown[] = [];
      for (;;) hoard.push(new Array(1000).fill(Math.random()));
    }
    case 'large':
      return { statusCode: 200, body: 'x'.repeat(7 * 1024 * 1024) };
    case 'string':
      return 'plain';
    case 'cookies':
      return { statusCode: 201, cookies: ['a=1', 'b=2'], headers: { 'x-a': 'b' }, body: 'aGk=', isBase64Encoded: true };
    case 'invalid':
      return { statusCode: 'many' };
    case 'time':
      return { now: new Date().toISOString(), stamp: Date.now() };
    case 'environment':
      return { environment: process.env, calls };
    case 'metric':
      console.log(
        JSON.stringify({
          _aws: {
            Timestamp: Date.now(),
            CloudWatchMetrics: [
              { Namespace: 'Fixture', Dimensions: [['service']], Metrics: [{ Name: 'tried', Unit: 'Count' }] },
            ],
          },
          service: 'misbehave',
          tried: 2,
        }),
      );
      return { ok: true };
  }
};
