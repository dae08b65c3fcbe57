// The whole SV1 side on a farm that does what it is told, with miners over pairs of streams in memory; time passes only when a test says so.
import { type Duplex, duplexPair, Writable } from 'node:stream';
import { ManualClock } from '@sluice/runtime/clock';
import { createLogger } from '@sluice/runtime/logger';
import { BIP320_MASK } from '@sluice/sv1/version-bits';
import { createSv1Counters } from '../../../src/sv1/counters.ts';
import { defaultSv1Limits, type Sv1Limits } from '../../../src/sv1/limits.ts';
import { Sv1Server } from '../../../src/sv1/sv1-server.ts';
import { TlsCertificate, type TlsFiles } from '../../../src/sv1/tls-certificate.ts';
import { LineClient } from './line-client.ts';
import { ScriptedFarm } from './scripted-farm.ts';

export interface TestServerOptions {
  readonly limits?: Partial<Sv1Limits>;
  readonly versionMask?: number;
  readonly reconnectAgents?: readonly string[];
  /** Where ids of jobs begin, and the jitter of a drain; default 0. */
  readonly random?: number;
  /** With them it can listen for TLS. */
  readonly tls?: TlsFiles;
}

export class TestServer {
  readonly clock = new ManualClock();
  readonly counters = createSv1Counters();
  readonly farm = new ScriptedFarm();
  /** What was logged, at debug and above. */
  readonly logged: Record<string, unknown>[] = [];
  readonly server: Sv1Server;

  constructor({ limits, versionMask = BIP320_MASK, reconnectAgents = [], random = 0, tls }: TestServerOptions = {}) {
    const destination = new Writable({
      decodeStrings: false,
      write: (line: string, _encoding, done) => {
        this.logged.push(JSON.parse(line) as Record<string, unknown>);
        done();
      },
    });
    const log = createLogger({ name: 'proxy', level: 'debug', format: 'json', destination });
    const { clock, counters } = this;
    this.server = new Sv1Server(
      { limits: { ...defaultSv1Limits, lingerMs: 50, ...limits }, versionMask, reconnectAgents },
      {
        ...{ clock, log, counters },
        certificate: tls && new TlsCertificate(tls, { clock, log, counters }),
        farm: this.farm,
        random: () => random,
        sleep: async (ms) => {
          this.clock.advance(ms);
          await turn();
        },
      },
    );
  }

  /** The miner's end of a connection. */
  connect(): LineClient {
    const [near, far] = duplexPair();
    this.accept(near);
    return new LineClient(far);
  }

  accept(socket: Duplex): void {
    this.server.accept(socket, '192.0.2.1');
  }

  /** A miner at work on the farm's present job, with nothing left to read. */
  async miner(): Promise<LineClient> {
    if (this.farm.job === undefined) this.farm.makeJob();
    const client = this.connect();
    await client.setUp();
    return client;
  }

  /** Lets time pass and every session notice. */
  pass(ms: number): void {
    this.clock.advance(ms);
    for (let slot = 0; slot < 10; slot++) this.server.tick();
  }

  stop(): void {
    for (const session of this.server.sessions.values()) session.cut('drained');
  }
}

/** Lets everything run that is ready to. */
export async function turn(): Promise<void> {
  for (let count = 0; count < 4; count++) await new Promise((resolve) => setImmediate(resolve));
}
