// The life of a proxy: the first upstream that works, then miners; at the end they are moved away, what they sent is answered, and the rest
// is closed.
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sha256dBackend } from '@sluice/bitcoin/sha256d';
import type { AeadBackend } from '@sluice/noise/aead';
import type { EcBackend, RandomBytes } from '@sluice/noise/ec';
import type { Clock } from '@sluice/runtime/clock';
import { formatHostPort, type HostPort } from '@sluice/runtime/config/value-types';
import type { Health } from '@sluice/runtime/health';
import type { JsonRoutes } from '@sluice/runtime/json-routes';
import type { Logger } from '@sluice/runtime/logger';
import { createMetrics, type MetricsRegistry } from '@sluice/runtime/metrics';
import { randomFraction } from '@sluice/runtime/random';
import type { Service } from '@sluice/runtime/run-service';
import { standStill } from '@sluice/runtime/stand-still';
import type { IdentitySource } from '@sluice/server/identity';
import { MoveOrders } from '@sluice/server/move-orders';
import { addApiRoutes } from './api/routes.ts';
import { createCounters } from './counters.ts';
import { followProxy, proxyMetrics } from './metrics.ts';
import { FARM_TICK_MS, Farm, type FarmModules } from './miners/farm.ts';
import type { FarmPolicy } from './miners/farm-miner.ts';
import { ReadRests } from './miners/read-rests.ts';
import { Workers } from './statistics/workers.ts';
import { createSv1Counters } from './sv1/counters.ts';
import type { Sv1Limits } from './sv1/limits.ts';
import { SV1_TICK_MS, Sv1Server } from './sv1/sv1-server.ts';
import { TlsCertificate, type TlsFiles } from './sv1/tls-certificate.ts';
import { createSv2Counters } from './sv2/counters.ts';
import type { Sv2Limits } from './sv2/limits.ts';
import { followSv2, sv2Metrics } from './sv2/metrics.ts';
import { SV2_TICK_MS, Sv2Server } from './sv2/sv2-server.ts';
import type { SoloPayout } from './upstream/solo-work.ts';
import type { UpstreamUrl } from './upstream/upstream-url.ts';
import { Upstreams } from './upstream/upstreams.ts';

/** After the drain: how long the end waits for the upstreams' last answers. */
const FLUSH_MS = 2_000;
/** How often the files of the TLS certificate are looked at. */
const CERTIFICATE_MS = 1_000;
/** How often the certificate of the Stratum V2 port is looked after. */
const IDENTITY_MS = 1_000;

export interface ProxyOptions {
  readonly listen: readonly HostPort[];
  /** Where miners connect by TLS, if anywhere. */
  readonly tls: { readonly listen: readonly HostPort[]; readonly files: TlsFiles } | undefined;
  /** Where miners of Stratum V2 connect; may be empty. */
  readonly listenSv2: readonly HostPort[];
  /** In order of preference, each with what it knows the farm by. */
  readonly upstreams: readonly {
    readonly url: UpstreamUrl;
    readonly identity: string;
    /** Of a node of the farm's own. */
    readonly payout?: SoloPayout;
  }[];
  /** Whether miners share one channel of their upstream, or each has its own where it speaks Stratum V2. */
  readonly channels: 'aggregated' | 'per-miner';
  /** What a pool knows a miner by that has a channel of its own: `{account}` is the identity, `{worker}` its worker. */
  readonly workerIdentity: string;
  /** How long a preferred upstream must have been up before the farm goes back to it. */
  readonly returnAfterMs: number;
  readonly policy: FarmPolicy;
  readonly limits: Sv1Limits;
  readonly sv2Limits: Sv2Limits;
  /** Bits of the version that miners may roll at most, u32. */
  readonly versionMask: number;
  /** Over how long connections are moved away at the end. */
  readonly drainMs: number;
  /** At which pace, where that takes less time. */
  readonly drainPerSecond: number;
  readonly reconnectAgents: readonly string[];
  readonly reconnectVendors: readonly string[];
  /** How long the process stands still so that shares which come one by one are read together; 0: never. */
  readonly readRestMs: number;
}

export interface ProxyModules {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  readonly health: Health;
  readonly routes: JsonRoutes;
  /** `undefined`: miners of Stratum V2 are not served. */
  readonly identity: IdentitySource | undefined;
  readonly ec: EcBackend;
  readonly aead: AeadBackend;
  readonly sha256d: Sha256dBackend;
  readonly random: RandomBytes;
  connect(host: string, port: number, signal: AbortSignal): Promise<Duplex>;
  /** TLS to pools of Stratum V1. @throws UpstreamError. */
  secure(stream: Duplex, host: string): Promise<Duplex>;
}

export interface RunnableProxy extends Service {
  /** What it is told to do with its connections. */
  readonly orders: MoveOrders;
}

export function createProxyService(options: ProxyOptions, modules: ProxyModules): RunnableProxy {
  return new ProxyService(options, modules);
}

class ProxyService implements RunnableProxy {
  readonly orders: MoveOrders;
  readonly #options: ProxyOptions;
  readonly #modules: ProxyModules;
  readonly #farm: Farm;
  readonly #upstreams: Upstreams;
  readonly #sv1: Sv1Server;
  readonly #sv2: Sv2Server | undefined;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #firstWork = Promise.withResolvers<void>();
  #isStopping = false;

  constructor(options: ProxyOptions, modules: ProxyModules) {
    const { clock, log, metrics, health, routes } = modules;
    const counters = createCounters();
    const sv1Counters = createSv1Counters();
    this.#options = options;
    this.#modules = modules;
    const workers = new Workers();
    const openChannel: FarmModules['openChannel'] =
      options.channels === 'per-miner'
        ? (place, miner, listener) => this.#upstreams.openChannel(place, miner, listener)
        : undefined;
    const later = (task: () => void) => void setImmediate(task);
    const farm = new Farm(options.policy, options.upstreams.length, {
      ...{ ...modules, counters, workers, openChannel },
      later,
      rests: new ReadRests(options.readRestMs, { clock, counters, later, standStill }),
    });
    this.#farm = farm;
    const { versionMask, workerIdentity } = options;
    const needs = { minExtranonceSize: farm.extranonceSize, versionMask, workerIdentity };
    this.#upstreams = new Upstreams(
      options.upstreams.map((upstream) => ({ ...upstream, ...needs })),
      options.returnAfterMs,
      {
        ...modules,
        counters,
        now: () => clock.now(),
        hashrate: (place) => farm.nominalHashrateOf(place),
        onWork: (place, work) => farm.setWork(place, work),
        onUse: (inUse) => {
          farm.use(inUse);
          this.#firstWork.resolve();
        },
      },
    );
    const tlsModules = { clock, log, counters: sv1Counters };
    const certificate = options.tls && new TlsCertificate(options.tls.files, tlsModules);
    this.#sv1 = new Sv1Server(options, {
      ...{ clock, log, farm, certificate, sleep, random: randomFraction },
      counters: sv1Counters,
    });
    this.orders = new MoveOrders({ log, perSecond: options.drainPerSecond });
    this.orders.add(this.#sv1);
    followProxy(createMetrics(metrics, proxyMetrics), {
      ...{ counters, sv1Counters, farm, workers, orders: this.orders },
      ...{ upstreams: this.#upstreams, sv1: this.#sv1, certificate },
    });
    addApiRoutes(routes, { clock, counters, farm, workers, upstreams: this.#upstreams });
    this.#sv2 = this.#createSv2();
    health.check('proxy: upstream', () => this.#upstreams.trouble);
  }

  async start(): Promise<void> {
    this.#upstreams.start();
    this.#every(FARM_TICK_MS, () => this.#farm.tick());
    this.#every(SV1_TICK_MS, () => this.#sv1.tick());
    // Before, a miner is better off at the pool that it falls back on by itself.
    await this.#firstWork.promise;
    if (this.#isStopping) return;
    const addresses = await this.#sv1.listen(this.#options.listen);
    this.#modules.log.info({ addresses: addresses.map(formatHostPort).join(' ') }, 'miners can connect');
    await this.#listenTls();
    await this.#startSv2();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#firstWork.resolve();
    this.#sv1.close();
    this.#sv2?.close();
    await this.orders.finish(this.#options.drainMs);
    await this.#upstreams.stop(FLUSH_MS);
    for (const timer of this.#timers) clearInterval(timer);
  }

  async #listenTls(): Promise<void> {
    const { tls } = this.#options;
    if (tls === undefined || this.#isStopping) return;
    const addresses = await this.#sv1.listenTls(tls.listen);
    this.#every(CERTIFICATE_MS, () => this.#sv1.refreshCertificate());
    this.#modules.log.info({ addresses: addresses.map(formatHostPort).join(' ') }, 'miners can connect by TLS');
  }

  async #startSv2(): Promise<void> {
    const server = this.#sv2;
    if (server === undefined || this.#isStopping) return;
    const addresses = await server.listen(this.#options.listenSv2);
    this.#every(SV2_TICK_MS, () => server.tick());
    this.#every(IDENTITY_MS, () => this.#modules.identity?.refresh());
    this.#modules.log.info({ addresses: addresses.map(formatHostPort).join(' ') }, 'miners of Stratum V2 can connect');
  }

  #createSv2(): Sv2Server | undefined {
    const { identity, metrics, random: randomBytes } = this.#modules;
    const { sv2Limits, reconnectVendors } = this.#options;
    if (identity === undefined) return undefined;
    const counters = createSv2Counters();
    const server = new Sv2Server(sv2Limits, {
      ...this.#modules,
      ...{ identity, counters, sleep, randomBytes, farm: this.#farm, random: randomFraction },
      reconnectVendors: new Set(reconnectVendors),
    });
    this.orders.add(server);
    followSv2(createMetrics(metrics, sv2Metrics), { counters, server, identity });
    return server;
  }

  #every(ms: number, run: () => void): void {
    this.#timers.push(setInterval(run, ms));
  }
}
