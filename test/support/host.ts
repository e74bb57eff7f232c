import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Host, type HostOptions, startHost } from '../../infra/local/index.ts';
import { sharedAssembly } from './assembly.ts';
import { Client } from './client.ts';
import type { Forge } from './forges/index.ts';

/** The embedded host for end-to-end tests: booted from the one synthesized assembly, spoken to over HTTP alone. */

const MASTER = 'master-token-of-the-tests';

export interface BootOptions
  extends Partial<Pick<HostOptions, 'dataDir' | 'assemblyDir' | 'chaosSeed' | 'clock' | 'lockWaitMs' | 'port'>> {
  /** `QMOI_…` settings besides the master's token. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Forges that QMOI is set up for, and that send it their webhooks. */
  readonly forges?: readonly Forge[];
  /** Calls that are to be refused, as `Qmoi-record dynamodb:PutItem`; any other is an error at the end. */
  readonly denied?: readonly string[];
}

/** A host in this process, on a data directory of its own that ends with it. */
export class TestHost extends Client {
  readonly dataDir: string;
  /** What an operator would have read. */
  readonly complaints: string[];
  private readonly host: Host;
  private readonly options: BootOptions;

  private constructor(host: Host, options: BootOptions, complaints: string[]) {
    super(host.url, host.token, options.chaosSeed === undefined ? 1 : 10);
    this.host = host;
    this.dataDir = host.dataDir;
    this.options = options;
    this.complaints = complaints;
  }

  static async boot(options: BootOptions = {}): Promise<TestHost> {
    const { settings = {}, forges = [], denied: _, ...rest } = options;
    const complaints: string[] = [];
    const host = await startHost({
      dataDir: mkdtempSync(join(tmpdir(), 'qmoi-e2e-')),
      assemblyDir: await sharedAssembly(),
      ...rest,
      secrets: Object.assign({ QMOI_MASTER_TOKEN: MASTER }, ...forges.map((forge) => forge.settings), settings),
      complain: (line) => complaints.push(line),
    });
    for (const forge of forges) forge.target(host.url);
    return new TestHost(host, options, complaints);
  }

  /** Ends the host and keeps its state; `TestHost.restart` goes on from it. */
  halt(): Promise<void> {
    return this.host.stop();
  }

  /** Drains, ends and starts again on the same state. */
  async restart(changes: Partial<BootOptions> = {}): Promise<TestHost> {
    await this.nothingDenied(this.options.denied);
    await this.halt();
    return TestHost.boot({ ...this.options, dataDir: this.dataDir, ...changes });
  }

  /** Ends the host and forgets its state. Throws when it was refused anything: whatever a test saw, a grant is missing. */
  async end(): Promise<void> {
    try {
      await this.nothingDenied(this.options.denied);
    } finally {
      await this.halt();
      rmSync(this.dataDir, { recursive: true, force: true });
    }
  }
}
