import { parseArgs } from 'node:util';
import { tokenOfSource } from '../../shared/platforms/heartbeat/tokens.ts';
import { type Command, CommandFailure, UsageError } from '../command.ts';

export const heartbeatToken: Command = {
  name: 'heartbeat-token',
  summary: 'the token by which one job or machine sends its heartbeats',
  usage: `Usage: qmoi heartbeat-token NAME

Prints the token of one source of heartbeats, made from QMOI_HEARTBEAT_TOKEN (of the environment or .env). Whoever has it
speaks for that source alone; a new QMOI_HEARTBEAT_TOKEN makes all of them anew.

  curl -u :$(qmoi heartbeat-token backup) -X POST 'https://qmoi.example/heartbeats?status=ok'`,
  async run(args, io) {
    const { positionals } = parseArgs({ args: [...args], allowPositionals: true, options: {} });
    const [name, ...others] = positionals;
    if (name === undefined || others.length > 0) throw new UsageError('One name is needed.');
    if (!/^[\w][\w./+-]{0,79}$/.test(name)) throw new UsageError(`"${name}" is no name of a source.`);
    const secret = io.env.QMOI_HEARTBEAT_TOKEN?.trim();
    if (!secret) throw new CommandFailure('QMOI_HEARTBEAT_TOKEN is not set.');
    io.out(tokenOfSource(secret, name));
    return 0;
  },
};
