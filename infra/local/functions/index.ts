export { type AsyncInvocations, createAsyncInvocations } from './asynchronous.ts';
export { type Credentials, createCredentials } from './environment.ts';
export { type LogFolder, openLogFolder } from './log.ts';
export { createMetrics, type Metrics, type Series } from './metrics.ts';
export { createLambda, type FunctionStatus, type Lambda, newTraceId, type Result } from './runtime.ts';
export type { InvocationError } from './worker.ts';
