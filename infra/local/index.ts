/**
 * The embedded host: runs a synthesized cloud assembly on one machine, for `npm start`, the demo, tests and benchmarks.
 */
export { type Host, type HostOptions, type HostStatus, startHost } from './host.ts';
export { ensureAssembly, type SynthOptions } from './synth.ts';
