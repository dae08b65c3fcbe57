// The server of template distribution [sv2 7]: clients over Noise are told of templates and tips, and give back what they find.

import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Network } from '@sluice/bitcoin/network';
import type { Solution } from '@sluice/bus/payloads/solution';
import type { AeadBackend } from '@sluice/noise/aead';
import type { EcBackend, RandomBytes } from '@sluice/noise/ec';
import { NoiseResponder } from '@sluice/noise/responder';
import type { Clock } from '@sluice/runtime/clock';
import { formatHostPort, type HostPort } from '@sluice/runtime/config/value-types';
import type { Logger } from '@sluice/runtime/logger';
import { createMetrics, type MetricsRegistry } from '@sluice/runtime/metrics';
import type { IdentitySource } from '@sluice/server/identity';
import { Listener } from '@sluice/server/listener';
import { decoded, MessageRouter } from '@sluice/server/message-router';
import { boundOutbound } from '@sluice/server/outbound-total';
import { addressTurns, handshakeTurns } from '@sluice/server/read-turns';
import { refuseSetup } from '@sluice/server/setup-refusal';
import { OutboundTick } from '@sluice/server/socket-writer';
import { PROTOCOL_VERSION, protocols } from '@sluice/sv2/flags';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { CoinbaseOutputConstraints } from '@sluice/sv2/messages/template-distribution/coinbase-output-constraints';
import { RequestTransactionData } from '@sluice/sv2/messages/template-distribution/request-transaction-data';
import { SubmitSolution } from '@sluice/sv2/messages/template-distribution/submit-solution';
import type { KeptTemplates } from '../kept-templates.ts';
import type { TipNews } from '../node-source.ts';
import type { CoinbaseReserve, PreparedTemplate } from '../prepare-template.ts';
import type { WorkFault } from '../required-work.ts';
import type { TemplateName } from '../template-store.ts';
import { ClientSolutions } from './client-solutions.ts';
import { ClientTemplates } from './client-templates.ts';
import { createCounters } from './counters.ts';
import { CONSTRAINTS_CHARGE, type DistributionLimits } from './limits.ts';
import { followDistribution, templateDistributionMetrics } from './metrics.ts';
import { reserveFor, reserveLadder } from './reserves.ts';
import { type ClientModules, TemplateClient } from './template-client.ts';
import { ToldTemplates } from './told-templates.ts';
import { TransactionData } from './transaction-data.ts';

const SWEEP_MS = 1_000;
const CERTIFICATE_MS = 1_000;

export interface TemplateDistributionOptions {
  readonly provider: string;
  readonly network: Network;
  readonly listen: readonly HostPort[];
  readonly limits: DistributionLimits;
  /** The pool's own reserve: what fits it shares the pool's template. */
  readonly reserve: CoinbaseReserve;
  /** Folder of the templates that were told. */
  readonly directory: string;
  readonly refreshMs: number;
  /** Satoshis. */
  readonly feeDelta: number;
  readonly ahead: boolean;
}

export interface TemplateDistributionModules {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  readonly identity: IdentitySource;
  readonly ec: EcBackend;
  readonly aead: AeadBackend;
  readonly random: RandomBytes;
  readonly kept: KeptTemplates;
  variant(base: PreparedTemplate, reserve: CoinbaseReserve): Promise<PreparedTemplate | 'no-room' | undefined>;
  transactions(provider: string, templateId: bigint): Promise<Uint8Array[] | undefined>;
  workFault(header: Uint8Array, hash: Uint8Array): WorkFault | undefined;
  submit(solution: Solution): void;
  /** The transactions that clients may need. */
  onLive(live: readonly TemplateName[]): void;
  /** What an earlier run told: its blocks may stand on a target that nobody else tells any more. */
  onTold(prevHash: Uint8Array, nbits: number): void;
  sleep(ms: number): Promise<void>;
}

export class TemplateDistribution {
  /** Where clients connect; known after `listen`. */
  addresses: readonly HostPort[] = [];
  readonly clients = new Map<number, TemplateClient>();
  readonly #options: TemplateDistributionOptions;
  readonly #modules: TemplateDistributionModules;
  readonly #counters = createCounters();
  readonly #told: ToldTemplates;
  readonly #templates: ClientTemplates;
  readonly #ladder: readonly CoinbaseReserve[];
  readonly #clientModules: ClientModules;
  readonly #router: MessageRouter<TemplateClient>;
  readonly #listener: Listener;
  readonly #timers: NodeJS.Timeout[] = [];
  #lastClient = 0;

  constructor(options: TemplateDistributionOptions, modules: TemplateDistributionModules) {
    this.#options = options;
    this.#modules = modules;
    const { clock, log } = modules;
    const { limits } = options;
    const counters = this.#counters;
    const metrics = createMetrics(modules.metrics, templateDistributionMetrics);
    this.#ladder = reserveLadder(options.reserve);
    this.#told = new ToldTemplates(join(options.directory, 'told'), {
      clock,
      onFailure: (error) => log.error({ error }, 'a template that was told could not be kept or read'),
    });
    const shared = { ...modules, limits, counters, told: this.#told };
    this.#templates = new ClientTemplates(
      { ...options, reserves: this.#ladder },
      { ...shared, clients: this.clients, observeTip: (seconds) => metrics.tipSeconds.observe(seconds) },
    );
    const solutions = new ClientSolutions(shared);
    const data = new TransactionData({ ...shared, isStale: (told) => this.#templates.isStale(told) });
    const router = new MessageRouter<TemplateClient>(
      [
        decoded(SetupConnection, (client, setup) => this.#setup(client, setup)),
        decoded(CoinbaseOutputConstraints, (client, constraints) => this.#constrain(client, constraints)),
        decoded(RequestTransactionData, (client, request) => data.request(client, request)),
        decoded(SubmitSolution, (client, solution) => solutions.submit(client, solution)),
      ],
      { log, counters },
    );
    this.#router = router;
    this.#clientModules = {
      ...{ clock, log, limits, counters },
      tick: new OutboundTick(),
      turns: addressTurns(limits.messagesPerSecondPerAddress),
      handshakes: handshakeTurns(clock.monotonic()),
      newResponder: () => this.#newResponder(),
      route: (client, extensionType, msgType, payload) => router.route(client, extensionType, msgType, payload),
      onClosed: (client) => this.clients.delete(client.id),
    };
    this.#listener = new Listener(limits, {
      ...{ clock, log, counters },
      onSocket: (socket, remoteAddress) => this.accept(socket, remoteAddress),
    });
    followDistribution(metrics, counters, this.#gauges());
  }

  /** Reads what an earlier run told; before the first template. */
  async load(): Promise<void> {
    await this.#told.load();
    this.#modules.kept.startAfter(this.#told.newestId);
    for (const { template } of this.#told.all()) this.#modules.onTold(template.prevHash, template.nbits);
  }

  /** @throws ServerError `server-listen-failed`. */
  async listen(): Promise<void> {
    this.#timers.push(
      setInterval(() => this.sweep(), SWEEP_MS),
      setInterval(() => this.#modules.identity.refresh(), CERTIFICATE_MS),
    );
    this.addresses = await this.#listener.listen(this.#options.listen);
    const addresses = this.addresses.map(formatHostPort).join(' ');
    this.#modules.log.info({ addresses }, 'clients of template distribution can connect');
  }

  tip(news: TipNews): void {
    this.#templates.tip(news);
  }

  template(template: PreparedTemplate, chainwork: bigint, node: string): void {
    this.#templates.template(template, chainwork, node);
  }

  /** Takes over a socket. */
  accept(socket: Duplex, remoteAddress: string): void {
    this.#lastClient += 1;
    const client = new TemplateClient(this.#lastClient, socket, remoteAddress, this.#clientModules);
    this.clients.set(client.id, client);
  }

  /** Deadlines, slow readers and templates whose time has come; called about once a second. */
  sweep(): void {
    const now = this.#modules.clock.monotonic();
    for (const client of this.clients.values()) client.sweep(now);
    this.#clientModules.turns.sweep(now);
    this.#listener.sweep();
    boundOutbound(this.clients.values(), this.#options.limits.outboundBytesTotal);
    this.#templates.tick();
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#listener.close();
    const clients = [...this.clients.values()];
    for (const client of clients) client.cut('stopping');
    await Promise.all(clients.map(({ answered }) => answered));
  }

  #setup(client: TemplateClient, setup: SetupConnection): void {
    if (refuseSetup(client, setup, { protocol: protocols.templateDistribution, flags: 0 })) return;
    client.opened(setup);
    client.send(SetupConnectionSuccess, { usedVersion: PROTOCOL_VERSION, flags: 0 });
  }

  #constrain(client: TemplateClient, constraints: CoinbaseOutputConstraints): void {
    const { coinbaseOutputMaxAdditionalSize: size, coinbaseOutputMaxAdditionalSigops: sigops } = constraints;
    const reserve = reserveFor(this.#ladder, size, sigops);
    if (reserve === undefined) {
      client.end('constraints-too-large', `${size} bytes and ${sigops} signature operations`);
      return;
    }
    if (client.reserve !== undefined) client.charge(CONSTRAINTS_CHARGE);
    client.reserve = reserve;
    this.#modules.log.debug({ connection: client.id, size, sigops, ...this.#ladder[reserve] }, 'constraints');
    this.#templates.serve(client);
  }

  #newResponder(): NoiseResponder {
    const { ec, aead, random, identity } = this.#modules;
    return new NoiseResponder({ ec, aead, random, ...identity.current(), maxPayload: this.#router.acceptedPayload });
  }

  #gauges() {
    const distribution = this;
    return {
      get connections() {
        return distribution.clients.size;
      },
      get addresses() {
        return distribution.#listener.addresses;
      },
      get outboundBytes() {
        return [...distribution.clients.values()].reduce((sum, { writer }) => sum + writer.queuedBytes, 0);
      },
      get certificateExpiry() {
        return distribution.#modules.identity.current().certificate.notValidAfter;
      },
      get certificateFaults() {
        return distribution.#modules.identity.faults;
      },
      get reserves() {
        return distribution.#templates.reservesInUse;
      },
      get toldTemplates() {
        return distribution.#told.count;
      },
      get toldDroppedEarly() {
        return distribution.#told.droppedEarly;
      },
    };
  }
}
