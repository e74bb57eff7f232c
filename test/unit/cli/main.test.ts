import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { CommandFailure, UsageError } from '../../../cli/command.ts';
import { commands } from '../../../cli/commands/index.ts';
import { main } from '../../../cli/main.ts';
import { ioOf } from './io.ts';

const greet = {
  name: 'greet',
  summary: 'says hello',
  usage: 'Usage: qmoi greet [name]',
  run: async (args: readonly string[], io: { out(line: string): void }) => {
    if (args[0] === 'nobody') throw new UsageError('greet whom?');
    if (args[0] === 'mars') throw new CommandFailure('Mars does not answer.');
    if (args[0] === 'bug') throw new TypeError('a bug');
    io.out(`hello ${args.join(' ')}`);
    return 0;
  },
};
const call = async (...args: string[]) => {
  const io = ioOf();
  return { code: await main(args, io, { greet: async () => greet }), ...io.texts() };
};

it('hands a command what is left of the line', async () => {
  expect(await call('greet', 'big', 'world')).toEqual({ code: 0, out: 'hello big world\n', err: '' });
  expect(await call('greet', '--', '--help')).toMatchObject({ code: 0, out: 'hello -- --help\n' });
});

it('lists its commands, and tells of each', async () => {
  for (const args of [[], ['--help'], ['help']]) {
    expect(await call(...args)).toMatchObject({ code: 0, out: expect.stringContaining('greet  says hello') });
  }
  for (const args of [
    ['greet', '--help'],
    ['help', 'greet'],
    ['greet', 'x', '-h'],
  ]) {
    expect(await call(...args)).toMatchObject({ code: 0, out: 'Usage: qmoi greet [name]\n' });
  }
});

it('tells apart who is to blame', async () => {
  expect(await call('gret')).toMatchObject({ code: 2, out: '', err: expect.stringContaining('Did you mean "greet"?') });
  expect(await call('toString')).toMatchObject({ code: 2, err: expect.stringContaining('qmoi --help') });
  expect(await call('greet', 'nobody')).toMatchObject({ code: 2, err: expect.stringContaining('qmoi greet --help') });
  expect(await call('greet', 'mars')).toEqual({ code: 1, out: '', err: 'Mars does not answer.\n' });
  await expect(call('greet', 'bug')).rejects.toThrow(TypeError);
});

it.each(Object.entries(commands))('%s is as it is called, and refuses what it does not know', async (name, load) => {
  const command = await load();
  expect(command.name).toBe(name);
  expect(command.usage).toMatch(new RegExp(`^Usage: qmoi ${name}`));
  expect(command.summary).toMatch(/^[^\n]{5,70}$/);
  const io = ioOf();
  expect(await main([name, '--no-such-option-at-all'], io)).toBe(2);
  expect(io.texts().err).toContain('no-such-option-at-all');
});

it('is a program', () => {
  const run = (...args: string[]) => spawnSync(process.execPath, ['bin/qmoi.mjs', ...args], { encoding: 'utf8' });
  expect(run('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('Usage: qmoi <command>') });
  expect(run('frobnicate')).toMatchObject({ status: 2, stderr: expect.stringContaining('no command "frobnicate"') });
});
