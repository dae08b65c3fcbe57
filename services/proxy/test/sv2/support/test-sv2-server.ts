// The whole SV2 side on a real farm, whose upstream a test plays, with miners that speak real Noise over pairs of streams in memory.
import { duplexPair, Writable } from 'node:stream';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import { generateSecret } from '@sluice/noise/ec';
import { nobleEc } from '@sluice/noise/noble-ec';
import { wasmAead } from '@sluice/noise/wasm-aead';
import { createLogger } from '@sluice/runtime/logger';
import { randomBytes } from '@sluice/runtime/random';
import { selfCertified } from '@sluice/server/identity';
import { createSv2Counters } from '../../../src/sv2/counters.ts';
import { defaultSv2Limits, type Sv2Limits } from '../../../src/sv2/limits.ts';
import { Sv2Server } from '../../../src/sv2/sv2-server.ts';
import { FakeFarm, FakeUpstream } from '../../miners/fake-farm.ts';
import { Sv2Miner } from './sv2-miner.ts';

const aead = wasmAead();

export class TestSv2Server {
  readonly fake = new FakeFarm();
  readonly upstream = new FakeUpstream();
  readonly counters = createSv2Counters();
  readonly server: Sv2Server;
  readonly #authoritySecret = generateSecret(randomBytes);

  /** The farm works on job 1 of block 1. */
  constructor(limits: Partial<Sv2Limits> = {}, reconnectVendors: readonly string[] = []) {
    const { clock, farm } = this.fake;
    const log = createLogger({ name: 'proxy', level: 'silent', format: 'json', destination: new Writable() });
    const identity = selfCertified(this.#authoritySecret, 86_400, {
      ...{ clock, log, ec: nobleEc, random: randomBytes },
    });
    this.server = new Sv2Server(
      { ...defaultSv2Limits, lingerMs: 50, ...limits },
      {
        ...{ clock, log, farm, identity, aead, randomBytes },
        ...{ ec: nobleEc, sha256d: wasmSha256d, counters: this.counters, random: () => 0 },
        reconnectVendors: new Set(reconnectVendors),
        sleep: async (ms) => {
          clock.advance(ms);
          await new Promise((resolve) => setImmediate(resolve));
        },
      },
    );
    farm.setWork(0, this.upstream.work(1, 1));
  }

  /** Encrypted, and nothing said yet. */
  async connect(): Promise<Sv2Miner> {
    const [near, far] = duplexPair();
    this.server.accept(near, '192.0.2.1');
    const miner = new Sv2Miner(far, {
      ...{ ec: nobleEc, aead, random: randomBytes },
      authorityKey: nobleEc.xOnlyPublicKey(this.#authoritySecret),
      now: Math.floor(this.fake.clock.now() / 1_000),
    });
    await miner.handshake();
    return miner;
  }

  /** Set up. */
  async miner(flags = 0): Promise<Sv2Miner> {
    const miner = await this.connect();
    await miner.setUp(flags);
    return miner;
  }

  /** Lets time pass, and every connection notice. */
  pass(seconds: number): void {
    for (let second = 0; second < seconds; second += 1) {
      this.fake.pass(1);
      this.server.tick();
    }
  }

  stop(): void {
    for (const connection of this.server.connections.values()) connection.cut('drained');
  }
}
