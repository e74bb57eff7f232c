import type { Command } from '../command.ts';

/** Every command by its name. A command's file is loaded only when it is called, or its summary is. */
export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  agent: async () => (await import('./agent.ts')).agent,
  connect: async () => (await import('./connect.ts')).connect,
  approve: async () => (await import('./approve.ts')).approve,
  backtest: async () => (await import('./backtest.ts')).backtestCommand,
  diagnose: async () => (await import('./diagnose.ts')).diagnose,
  refuse: async () => (await import('./approve.ts')).refuse,
  replay: async () => (await import('./replay.ts')).replay,
  fix: async () => (await import('./fix.ts')).fix,
  guards: async () => (await import('./guards.ts')).guards,
  'heartbeat-token': async () => (await import('./heartbeat-token.ts')).heartbeatToken,
  rollback: async () => (await import('./approve.ts')).rollback,
  rules: async () => (await import('./rules.ts')).rules,
  run: async () => (await import('./run.ts')).run,
  status: async () => (await import('./status.ts')).status,
  templates: async () => (await import('./templates.ts')).templates,
};
