import { chmodSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A service manager that an agent's process finds in its path: `systemctl`, as far as the agent calls it. */
export interface FakeService {
  readonly folder: string;
  /** For the agent's environment. */
  readonly path: string;
  set(state: string): void;
  /** The lines it was called with, but for looks at the state. */
  calls(): string[];
}

export function fakeService(state: string): FakeService {
  const folder = mkdtempSync(join(tmpdir(), 'qmoi-service-'));
  const [file, log, program] = ['state', 'log', 'systemctl'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const script = `#!/bin/sh
case "$1" in
  is-active) cat '${file}' ;;
  restart) echo "$@" >> '${log}'; echo active > '${file}' ;;
  *) echo "$@" >> '${log}'; echo "the log of $4; token=sekret-0123456789abcdef" ;;
esac
`;
  writeFileSync(program, script);
  chmodSync(program, 0o755);
  writeFileSync(file, state);
  return {
    folder,
    path: `${folder}:${process.env.PATH}`,
    set: (next) => writeFileSync(file, next),
    calls: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []),
  };
}
