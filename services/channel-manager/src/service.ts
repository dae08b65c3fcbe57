// The channel manager: identities, policy, extranonce ranges and the registry of channels. It holds nothing that another replica
// does not find on the bus, so any number of them answers side by side.
import type { Bus, Subscription } from '@sluice/bus/bus';
import {
  Acknowledgement,
  ChannelClosed,
  ChannelUpdate,
  ChannelUpdateReply,
  OpenReply,
  OpenRequest,
  OperatorClose,
  OperatorCloseReply,
  RangeReply,
  RangeRequest,
} from '@sluice/bus/payloads/channel';
import { Control, Heartbeat } from '@sluice/bus/payloads/control';
import { subjectName, subjectPattern } from '@sluice/bus/subjects';
import { LAST_EXTRANONCE_RANGE } from '@sluice/mining/extranonce';
import type { Clock } from '@sluice/runtime/clock';
import { messageOf } from '@sluice/runtime/errors';
import type { Health } from '@sluice/runtime/health';
import type { Logger } from '@sluice/runtime/logger';
import { createMetrics, type MetricsOf, type MetricsRegistry } from '@sluice/runtime/metrics';
import type { Service } from '@sluice/runtime/run-service';
import { AccountsFile } from './accounts-file.ts';
import { takeRange } from './extranonce-counter.ts';
import { channelManagerMetrics, openOutcomes } from './metrics.ts';
import { decideOpen, decideUpdate, type Policy } from './policy.ts';
import { Registry } from './registry.ts';

const QUEUE = 'channel-manager';
/** How often silent gateways are looked for and the file of accounts is looked at. */
const SWEEP_MS = 10_000;

export interface ChannelManagerOptions {
  readonly policy: Omit<Policy, 'accounts'>;
  /** File of the accounts that may mine; absent: every account may. */
  readonly accountsFile?: string;
}

export interface ChannelManagerModules {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  readonly health: Health;
}

export function createChannelManagerService(options: ChannelManagerOptions, modules: ChannelManagerModules): Service {
  return new ChannelManager(options, modules);
}

class ChannelManager implements Service {
  readonly #modules: ChannelManagerModules;
  readonly #metrics: MetricsOf<typeof channelManagerMetrics>;
  readonly #accounts: AccountsFile | undefined;
  readonly #subscriptions: Subscription[] = [];
  #policy: Policy;
  #sweeping: NodeJS.Timeout | undefined;

  constructor(options: ChannelManagerOptions, modules: ChannelManagerModules) {
    this.#modules = modules;
    this.#metrics = createMetrics(modules.metrics, channelManagerMetrics);
    this.#accounts = options.accountsFile === undefined ? undefined : new AccountsFile(options.accountsFile);
    this.#policy = { ...options.policy, accounts: undefined };
    modules.health.check('channel-manager: bus', () => (modules.bus.status() === 'up' ? undefined : 'the bus is away'));
  }

  async start(): Promise<void> {
    const { bus, clock } = this.#modules;
    await this.#refreshAccounts();
    const registry = new Registry(await bus.kv('channels'), clock);
    const counter = await bus.kv('extranonce');
    this.#metrics.registryPending.follow(() => registry.pending);
    this.#metrics.registryLost.follow(() => registry.lost);
    this.#subscriptions.push(
      bus.serve(subjectName('channelOpen'), QUEUE, (payload) => this.#open(registry, payload)),
      bus.serve(subjectName('channelUpdate'), QUEUE, (payload) => this.#update(payload)),
      bus.serve(subjectName('channelClose'), QUEUE, (payload) => {
        registry.remove(ChannelClosed.decode(payload));
        return Acknowledgement.encode({});
      }),
      bus.serve(subjectName('operatorClose'), QUEUE, (payload) => this.#operatorClose(registry, payload)),
      bus.serve(subjectName('extranonceRange'), QUEUE, async (payload) => {
        const { incarnationLabel } = RangeRequest.decode(payload);
        const range = await takeRange(counter);
        if (range === undefined) return this.#refuseRange(incarnationLabel);
        this.#metrics.ranges.inc();
        this.#metrics.rangesLeft.set(LAST_EXTRANONCE_RANGE - range);
        this.#modules.log.info({ gateway: incarnationLabel, range }, 'extranonce range given');
        return RangeReply.encode({ kind: 'granted', incarnation: BigInt(range) });
      }),
      bus.subscribe(subjectPattern('heartbeat'), (payload) => this.#onBeat(registry, payload)),
    );
    this.#sweeping = setInterval(() => void this.#sweep(registry), SWEEP_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#sweeping);
    for (const subscription of this.#subscriptions) subscription.close();
  }

  #open(registry: Registry, payload: Uint8Array): Uint8Array {
    const request = OpenRequest.decode(payload);
    const reply = decideOpen(this.#policy, request);
    if (reply.kind === 'opened') {
      const { remoteAddress, vendor } = request;
      const { identity: account, worker } = reply;
      registry.add(request, { account, worker, remoteAddress, vendor, openedAtMs: this.#modules.clock.now() });
    }
    const outcome = reply.kind === 'opened' ? reply.kind : openOutcomes.find((code) => code === reply.errorCode);
    if (outcome !== undefined) this.#metrics.opens.with({ outcome }).inc();
    return OpenReply.encode(reply);
  }

  #update(payload: Uint8Array): Uint8Array {
    this.#metrics.updates.inc();
    return ChannelUpdateReply.encode(decideUpdate(this.#policy, ChannelUpdate.decode(payload)));
  }

  #refuseRange(gateway: string): Uint8Array {
    this.#modules.log.error({ gateway }, 'the extranonce space of this pool is used up: no gateway can start any more');
    return RangeReply.encode({ kind: 'refused', errorCode: 'extranonce-space-exhausted' });
  }

  async #operatorClose(registry: Registry, payload: Uint8Array): Promise<Uint8Array> {
    const { account, reason, ...channel } = OperatorClose.decode(payload);
    const channels = channel.incarnation === 0n ? await registry.ofAccount(account) : [channel];
    for (const { incarnation, connectionId, channelId } of channels) {
      const order = Control.encode({ kind: 'closeChannel', connectionId, channelId, reason });
      this.#modules.bus.publish(subjectName('control', incarnation), order);
    }
    this.#metrics.operatorCloses.inc(channels.length);
    this.#modules.log.info({ account, channels: channels.length, reason }, 'an operator closes channels');
    return OperatorCloseReply.encode({ channels: channels.length });
  }

  #onBeat(registry: Registry, payload: Uint8Array): void {
    try {
      const { incarnation } = Heartbeat.decode(payload);
      if (incarnation !== 0n) registry.beat(incarnation);
    } catch (error) {
      this.#modules.log.debug({ reason: messageOf(error) }, 'a heartbeat could not be read');
    }
  }

  async #sweep(registry: Registry): Promise<void> {
    try {
      await this.#refreshAccounts();
      this.#metrics.registrySwept.inc(await registry.sweep());
    } catch (error) {
      this.#modules.log.warn({ reason: messageOf(error) }, 'the registry or the accounts could not be looked at');
    }
  }

  async #refreshAccounts(): Promise<void> {
    if (this.#accounts === undefined || !(await this.#accounts.refresh())) return;
    this.#policy = { ...this.#policy, accounts: this.#accounts.accounts };
    this.#modules.log.info({ accounts: this.#accounts.accounts.size }, 'accounts read');
  }
}
