export {
  COMMANDS,
  type CommandName,
  listCommands,
  orderCommand,
  type RunnerCommand,
  type SignedCommand,
  settleCommand,
  signatureOf,
  takeCommands,
} from './commands.ts';
export { settleRunner } from './silence.ts';
