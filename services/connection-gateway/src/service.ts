// The life of a gateway: a range of extranonces, the first job, then miners; at the end they are moved away, what they sent is stored,
// and the rest is closed.
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sha256dBackend } from '@sluice/bitcoin/sha256d';
import type { Bus, Subscription } from '@sluice/bus/bus';
import { Heartbeat } from '@sluice/bus/payloads/control';
import { subjectName } from '@sluice/bus/subjects';
import type { AeadBackend } from '@sluice/noise/aead';
import type { EcBackend, RandomBytes } from '@sluice/noise/ec';
import { type Clock, unixMicros } from '@sluice/runtime/clock';
import { formatHostPort, type HostPort } from '@sluice/runtime/config/value-types';
import type { Health } from '@sluice/runtime/health';
import type { Logger } from '@sluice/runtime/logger';
import { createMetrics, type MetricsRegistry } from '@sluice/runtime/metrics';
import { randomFraction } from '@sluice/runtime/random';
import type { Service } from '@sluice/runtime/run-service';
import type { IdentitySource } from '@sluice/server/identity';
import { Listener } from '@sluice/server/listener';
import { MoveOrders } from '@sluice/server/move-orders';
import { ChannelManagerClient } from './channel-manager-client.ts';
import { createCounters } from './counters.ts';
import { startDrain } from './drain.ts';
import { Gateway } from './gateway.ts';
import type { GatewayLimits } from './limits.ts';
import { connectionGatewayMetrics, followGateway } from './metrics.ts';
import { listenToOperator } from './operator-control.ts';
import { VARDIFF_TICK_MS } from './vardiff-ticker.ts';

const SWEEP_MS = 1_000;
const HEARTBEAT_MS = 2_000;
const REORDER_MS = 30_000;
const CERTIFICATE_MS = 1_000;
const REGISTER_MS = 1_000;
/** After the drain: how long the end waits for the stream to take the last shares and candidates. */
const FLUSH_MS = 5_000;

/** The name of one that comes over the bus, which has none: told again it goes on, and `DELETE /drain` takes it back. */
const BUS_ORDER = 'bus';

export interface ConnectionGatewayOptions {
  readonly listen: readonly HostPort[];
  /** Whether other processes may listen there too; default: no. */
  readonly reusePort?: boolean;
  /** For people: names the gateway in the registry, the log and its heartbeats. Letters, digits, `-` and `_`. */
  readonly label: string;
  /** Template providers that take block candidates without the bus. */
  readonly solutionEndpoints: readonly HostPort[];
  readonly limits: GatewayLimits;
  /** Over how long connections are moved away at the end. */
  readonly drainMs: number;
  /** At which pace, where that takes less time; undefined: the default one. */
  readonly drainPerSecond?: number | undefined;
  readonly reconnectVendors: readonly string[];
}

export interface ConnectionGatewayModules {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  readonly health: Health;
  readonly identity: IdentitySource;
  readonly ec: EcBackend;
  readonly aead: AeadBackend;
  readonly sha256d: Sha256dBackend;
  readonly random: RandomBytes;
}

export interface ConnectionGatewayService extends Service {
  /** Where miners connect; known after `start`. */
  readonly addresses: readonly HostPort[];
  /** What it is told to do with its connections. */
  readonly orders: MoveOrders;
  /** Hands a socket over that was accepted elsewhere; after `start`. */
  accept(socket: Duplex, remoteAddress: string): void;
  /** Shares refused on open channels, by `account.worker`. */
  refusedByWorker(): ReadonlyMap<string, number>;
}

export function createConnectionGatewayService(
  options: ConnectionGatewayOptions,
  modules: ConnectionGatewayModules,
): ConnectionGatewayService {
  return new ConnectionGateway(options, modules);
}

class ConnectionGateway implements ConnectionGatewayService {
  addresses: readonly HostPort[] = [];
  readonly orders: MoveOrders;
  readonly #options: ConnectionGatewayOptions;
  readonly #modules: ConnectionGatewayModules;
  readonly #counters = createCounters();
  readonly #metrics;
  readonly #listener: Listener;
  readonly #timers: NodeJS.Timeout[] = [];
  #gateway: Gateway | undefined;
  #control: Subscription | undefined;
  #busStatus: Subscription | undefined;
  #stopping = false;

  constructor(options: ConnectionGatewayOptions, modules: ConnectionGatewayModules) {
    this.#options = options;
    this.#modules = modules;
    this.#metrics = createMetrics(modules.metrics, connectionGatewayMetrics);
    this.#listener = new Listener(options.limits, {
      clock: modules.clock,
      log: modules.log,
      counters: this.#counters,
      onSocket: (socket, remoteAddress) => this.accept(socket, remoteAddress),
    });
    this.orders = new MoveOrders({ log: modules.log, perSecond: options.drainPerSecond });
    followGateway(this.#metrics, {
      ...{ counters: this.#counters, orders: this.orders, listener: this.#listener },
      gateway: () => this.#gateway,
    });
    modules.health.check('connection-gateway: work', () => this.#notReady());
  }

  async start(): Promise<void> {
    const { listen, reusePort = false, label, limits, solutionEndpoints } = this.#options;
    const { bus, log } = this.#modules;
    const incarnation = await new ChannelManagerClient(this.#modules).range(label, () => this.#stopping);
    const gateway = new Gateway(incarnation, {
      ...this.#modules,
      limits,
      solutionEndpoints,
      counters: this.#counters,
      observeAppend: (seconds) => this.#metrics.appendSeconds.observe(seconds),
      observeTip: (seconds) => this.#metrics.tipSeconds.observe(seconds),
    });
    this.#gateway = gateway;
    this.orders.add({
      size: () => gateway.connections.size,
      refuse: (isRefusing) => this.#listener.refuse(isRefusing),
      startDrain: (goal) =>
        startDrain(gateway.connections, goal, {
          flushShares: (ms) => gateway.flushShares(ms),
          clock: this.#modules.clock,
          random: randomFraction,
          sleep,
          reconnectVendors: new Set(this.#options.reconnectVendors),
        }),
    });
    gateway.solutions.open();
    await gateway.feed.open();
    if (this.#stopping) return;
    this.#control = listenToOperator({
      ...this.#modules,
      gateway,
      drain: (deadlineMs) => this.orders.begin({ order: BUS_ORDER, keep: 0, deadlineMs }),
    });
    this.#every(SWEEP_MS, () => {
      gateway.sweep();
      this.#listener.sweep();
    });
    this.#every(VARDIFF_TICK_MS, () => gateway.tick());
    this.#every(REORDER_MS, () => gateway.fanOut.reorder());
    this.#every(HEARTBEAT_MS, () => this.#beat(gateway));
    this.#every(REGISTER_MS, () => void gateway.register.flush());
    this.#busStatus = bus.onStatus((status) => {
      if (status === 'up') gateway.register.tellAll();
    });
    this.#every(CERTIFICATE_MS, () => this.#modules.identity.refresh());
    gateway.makeKeys();
    this.addresses = await this.#listener.listen(listen, { reusePort });
    this.#beat(gateway);
    log.info(
      { incarnation: String(incarnation), addresses: this.addresses.map(formatHostPort).join(' ') },
      'miners can connect',
    );
  }

  accept(socket: Duplex, remoteAddress: string): void {
    this.#gateway?.accept(socket, remoteAddress);
  }

  refusedByWorker(): ReadonlyMap<string, number> {
    return this.#gateway?.refusedByWorker() ?? new Map();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const gateway = this.#gateway;
    this.#listener.close();
    if (gateway === undefined) return;
    await this.orders.finish(this.#options.drainMs);
    const [stored] = await Promise.all([gateway.flushShares(FLUSH_MS), gateway.solutions.flush(FLUSH_MS)]);
    if (!stored) this.#modules.log.error('shares that were not acknowledged are lost: the stream did not take them');
    for (const timer of this.#timers) clearInterval(timer);
    this.#control?.close();
    this.#busStatus?.close();
    for (const connection of gateway.connections.values()) connection.cut('drained');
    await Promise.all([gateway.register.flush(), gateway.feed.close()]);
    gateway.close();
  }

  #every(ms: number, run: () => void): void {
    this.#timers.push(setInterval(run, ms));
  }

  #notReady(): string | undefined {
    const gateway = this.#gateway;
    if (gateway === undefined) return 'no extranonce range yet';
    if (this.addresses.length === 0) return `no job yet: waiting for ${gateway.feed.waitsFor}`;
    if (gateway.batcher.stalled) return `shares are not stored: ${gateway.batcher.bytes} bytes wait`;
    if (gateway.feed.behind) return 'a tip names a job that is not known here';
    return gateway.extranonces.left === 0 ? 'the extranonce range is used up: restart' : undefined;
  }

  #beat(gateway: Gateway): void {
    const { bus, clock, health } = this.#modules;
    const { ready, checks } = health.readiness();
    const troubles = [...checks].flatMap(([name, reason]) => (reason === undefined ? [] : [`${name}: ${reason}`]));
    bus.publish(
      subjectName('heartbeat', 'connection-gateway', this.#options.label),
      Heartbeat.encode({
        service: 'connection-gateway',
        instance: this.#options.label,
        incarnation: gateway.incarnation,
        ready,
        connections: gateway.connections.size,
        channels: gateway.channels,
        feed: BigInt(gateway.feed.position),
        atMicros: unixMicros(clock),
        troubles,
      }),
    );
  }
}
