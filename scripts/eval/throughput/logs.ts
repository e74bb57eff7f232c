import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { bugSwarm, ciDiff, logChunks, veloren } from '../diagnosis/corpus.ts';

export const MEGABYTE = 1_000_000;

/** All given failing logs one after another, over and over. */
export function* failingLogs(data: string, size: number): Generator<Buffer> {
  const logs = [...logChunks(data), ...veloren(data), ...ciDiff(data), ...bugSwarm(data)].map(({ bytes }) => bytes);
  for (let i = 0, made = 0; made < size && logs.length > 0; i = (i + 1) % logs.length) {
    const bytes = logs[i] as Buffer;
    made += bytes.length;
    yield bytes;
  }
}

const NAMES = ['core', 'client', 'server', 'utils', 'parser', 'lexer', 'store', 'router', 'http', 'json', 'time'];

/**
 * What a long job prints while all goes well: time stamps, downloads, compilations, passing tests; one line in a thousand
 * sounds like an error, and the last ones are the failure. Made as it is read, and the same each time.
 */
export function* quietLog(size: number): Generator<Buffer> {
  let seed = 20_240_501;
  const below = (limit: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (seed >>> 8) % limit;
  };
  const name = (): string => `${NAMES[below(NAMES.length)]}-${NAMES[below(NAMES.length)]}`;
  const version = (): string => `${below(9)}.${below(40)}.${below(20)}`;
  const messages: readonly (() => string)[] = [
    () => `   Compiling ${name()} v${version()}`,
    () =>
      `[INFO] Downloaded from central: https://repo.maven.apache.org/maven2/org/${name()}-${version()}.jar (${below(900)} kB)`,
    () => `npm http fetch GET 200 https://registry.npmjs.org/${name()} ${below(900)}ms (cache miss)`,
    () => `  PASS src/${name()}.test.ts (${below(9)}.${below(999)} s)`,
    () =>
      `#${below(30)} ${below(90)}.${below(999)} Unpacking lib${name()} (${version()}-${below(9)}ubuntu${below(9)}) ...`,
    () => `ok  \tgithub.com/org/app/${name()}\t${below(9)}.${below(999)}s`,
    () => `[${below(900)}/900] Building CXX object src/${name()}.cpp.o`,
  ];
  for (let made = 0, second = 0; made < size; second++) {
    const stamp = `2024-05-01T${String(10 + (Math.floor(second / 3600) % 10))}:${String(10 + (second % 50))}:${String(10 + below(50))}.${1_000_000 + below(8_999_999)}Z `;
    const lines = Array.from({ length: 600 }, (_, i) => {
      const odd = i === 0 && below(2) === 0;
      return `${stamp}${odd ? `warning: ${name()} failed over to mirror ${below(9)}` : messages[below(messages.length)]?.()}\n`;
    });
    const bytes = Buffer.from(lines.join(''));
    made += bytes.length;
    yield bytes;
  }
  yield Buffer.from(
    '##[error]getaddrinfo ENOTFOUND registry.npmjs.org\n##[error]Process completed with exit code 1.\n',
  );
}

/** Returns its size. */
export async function writeLog(file: string, log: Iterable<Buffer>): Promise<number> {
  const out = createWriteStream(file);
  let size = 0;
  for (const bytes of log) {
    size += bytes.length;
    if (!out.write(bytes)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
  return size;
}
