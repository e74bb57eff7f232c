import { main, USAGE } from '../../agent/qmoi-agent.mjs';
import type { Command } from '../command.ts';

/** The same program that can be copied to a machine as one file. */
export const agent: Command = {
  name: 'agent',
  summary: 'tell how this machine and its runner are, and restart it when told',
  usage: USAGE.replaceAll('qmoi-agent', 'qmoi agent'),
  run: (args, io) => main(args, io),
};
