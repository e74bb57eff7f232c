import type { Job } from '../../shared/model/index.ts';
import { FakePlatform } from './fake-platform.ts';

/** A platform whose logs are given by the job's own id; an error is thrown, what is not given is `fallback`. */
export function logPlatform(
  logs: Readonly<Record<string, readonly string[] | Error>>,
  fallback: readonly string[] = [],
) {
  /** Jobs whose logs were asked for. */
  const asked: string[] = [];
  const { platform } = new FakePlatform();
  const client = async () => ({
    act: async () => ({ kind: 'refused' as const, reason: 'no' }),
    lookUp: async () => 'unclear' as const,
    async jobLog({ externalId }: Job) {
      asked.push(externalId);
      const log = logs[externalId] ?? fallback;
      if (log instanceof Error) throw log;
      return (async function* () {
        yield Buffer.from(log.join('\n'));
      })();
    },
  });
  return { asked, platforms: { github: { ...platform, client } } };
}
