// The channel manager: identities, policy, extranonce ranges and the registry of channels. It holds nothing that another replica
// does not find on the bus, so any number of them answers side by side.
import type { Bus, Kv, Subscription } from '@sluice/bus/bus';
import {
  Acknowledgement,
  ChannelUpdate,
  ChannelUpdateReply,
  OpenReplies,
  OpenReply,
  OpenRequest,
  OpenRequests,
  OperatorClose,
  OperatorCloseReply,
  RangeReply,
  RangeRequest,
  type WantedChannel,
} from '@sluice/bus/payloads/channel';
import { Control, EVERY_GATEWAY, Heartbeat } from '@sluice/bus/payloads/control';
import type { BucketName } from '@sluice/bus/streams';
import { subjectName, subjectPattern } from '@sluice/bus/subjects';
import { untilThere } from '@sluice/bus/until-there';
import { LAST_EXTRANONCE_RANGE } from '@sluice/mining/extranonce';
import type { Clock } from '@sluice/runtime/clock';
import { messageOf } from '@sluice/runtime/errors';
import type { Health } from '@sluice/runtime/health';
import type { Logger } from '@sluice/runtime/logger';
import { createMetrics, type MetricsOf, type MetricsRegistry } from '@sluice/runtime/metrics';
import { OutageLog } from '@sluice/runtime/outage-log';
import type { Service } from '@sluice/runtime/run-service';
import { zeroCounts } from '@sluice/runtime/zero-counts';
import { AccountsFile } from './accounts-file.ts';
import { takeRange } from './extranonce-counter.ts';
import { channelManagerMetrics, openOutcomes } from './metrics.ts';
import { decideOpen, decideUpdate, type Policy } from './policy.ts';
import { Registry } from './registry.ts';
import { RegistrySweeper } from './registry-sweeper.ts';

const QUEUE = 'channel-manager';
/** How often the file of accounts is looked at. */
const ACCOUNTS_MS = 10_000;

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
  readonly #opens = zeroCounts(openOutcomes);
  #policy: Policy;
  #accountsTimer: NodeJS.Timeout | undefined;
  #sweeper: RegistrySweeper | undefined;
  #stopped = false;
  #waitsFor: string | undefined;

  constructor(options: ChannelManagerOptions, modules: ChannelManagerModules) {
    this.#modules = modules;
    this.#metrics = createMetrics(modules.metrics, channelManagerMetrics);
    this.#accounts = options.accountsFile === undefined ? undefined : new AccountsFile(options.accountsFile);
    this.#policy = { ...options.policy, accounts: undefined };
  }

  async start(): Promise<void> {
    const { bus, clock, log, health } = this.#modules;
    await this.#refreshAccounts();
    health.check('channel-manager: bus', () => this.#waitsFor);
    const [channels, counter] = [await this.#bucket('channels'), await this.#bucket('extranonce')];
    this.#waitsFor = undefined;
    if (channels === undefined || counter === undefined) return;
    const registry = new Registry(channels, clock);
    for (const outcome of openOutcomes) this.#metrics.opens.with({ outcome }).follow(() => this.#opens[outcome]);
    this.#metrics.registryPending.follow(() => registry.pending);
    this.#metrics.registryFailed.follow(() => registry.failed);
    this.#subscriptions.push(
      bus.serve(subjectName('channelOpen'), QUEUE, (payload) => this.#open(payload)),
      bus.serve(subjectName('channelUpdate'), QUEUE, (payload) => this.#update(payload)),
      // Of gateways of the release before, whose channels are in no block.
      bus.serve(subjectName('channelClose'), QUEUE, () => Acknowledgement.encode({})),
      bus.serve(subjectName('channelBlock'), QUEUE, async (payload) => {
        await registry.set(payload);
        return Acknowledgement.encode({});
      }),
      bus.serve(subjectName('operatorClose'), QUEUE, (payload) => this.#operatorClose(registry, payload)),
      bus.serve(subjectName('extranonceRange'), QUEUE, async (payload) => {
        const { incarnationLabel } = RangeRequest.decode(payload);
        const taken = await takeRange(counter, bus);
        if (taken === undefined) return this.#refuseRange(incarnationLabel);
        const { range, wasBehind } = taken;
        if (wasBehind)
          log.warn({ range }, 'the extranonce counter was lost or restored, and goes on above the streams');
        this.#metrics.ranges.inc();
        this.#metrics.rangesLeft.set(LAST_EXTRANONCE_RANGE - range);
        log.info({ gateway: incarnationLabel, range }, 'extranonce range given');
        return RangeReply.encode({ kind: 'granted', incarnation: BigInt(range) });
      }),
      bus.subscribe(subjectPattern('heartbeat'), (payload) => this.#onBeat(registry, payload)),
      bus.onStatus((status) => {
        if (status === 'up') registry.forgetBeats();
      }),
    );
    const onSwept = (removed: number) => this.#metrics.registrySwept.inc(removed);
    this.#sweeper = new RegistrySweeper(registry, { bus, clock, log, onSwept });
    this.#accountsTimer = setInterval(() => void this.#lookAtAccounts(), ACCOUNTS_MS);
  }

  /** Undefined: stopped before it was there. */
  #bucket(name: BucketName): Promise<Kv | undefined> {
    const { bus, clock, log } = this.#modules;
    const outage = new OutageLog(() => clock.monotonic());
    return untilThere(() => bus.kv(name), {
      isStopped: () => this.#stopped,
      onTrouble: (error) => {
        this.#waitsFor = `waiting for the bucket ${name}: ${messageOf(error)}`;
        // At the start of a whole pool this is only a matter of order.
        const level = outage.level() === 'warn' ? 'info' : 'debug';
        log[level]({ reason: messageOf(error) }, `waiting for the bucket ${name}`);
      },
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#accountsTimer);
    for (const subscription of this.#subscriptions) subscription.close();
    await this.#sweeper?.stop();
  }

  #open(payload: Uint8Array): Uint8Array {
    if (payload[0] === OpenRequest.version) return OpenReply.encode(this.#decide(OpenRequest.decode(payload)));
    return OpenReplies.encode(OpenRequests.decode(payload).map((wanted) => this.#decide(wanted)));
  }

  #decide(wanted: WantedChannel): OpenReply {
    const reply = decideOpen(this.#policy, wanted);
    const outcome = reply.kind === 'opened' ? reply.kind : openOutcomes.find((code) => code === reply.errorCode);
    if (outcome !== undefined) this.#opens[outcome] += 1;
    return reply;
  }

  #update(payload: Uint8Array): Uint8Array {
    this.#metrics.updates.inc();
    return ChannelUpdateReply.encode(decideUpdate(this.#policy, ChannelUpdate.decode(payload)));
  }

  #refuseRange(gateway: string): Uint8Array {
    this.#modules.log.error({ gateway }, 'the extranonce space of this pool is used up: no gateway can start any more');
    return RangeReply.encode({ kind: 'refused', errorCode: 'extranonce-space-exhausted' });
  }

  /** An account's channels are closed by the gateways that have them: what the registry knows of them is for the answer alone. */
  async #operatorClose(registry: Registry, payload: Uint8Array): Promise<Uint8Array> {
    const { account, reason, incarnation, connectionId, channelId } = OperatorClose.decode(payload);
    const isAccount = incarnation === 0n;
    const order: Control = isAccount
      ? { kind: 'closeAccount', account, reason }
      : { kind: 'closeChannel', connectionId, channelId, reason };
    const { bus, log } = this.#modules;
    bus.publish(subjectName('control', isAccount ? EVERY_GATEWAY : incarnation), Control.encode(order));
    const channels = isAccount ? await registry.count(account) : 1;
    this.#metrics.operatorCloses.inc(channels);
    log.info({ account, channels, reason }, 'an operator closes channels');
    return OperatorCloseReply.encode({ channels });
  }

  #onBeat(registry: Registry, payload: Uint8Array): void {
    try {
      const { incarnation } = Heartbeat.decode(payload);
      if (incarnation !== 0n) registry.beat(incarnation);
    } catch (error) {
      this.#modules.log.debug({ reason: messageOf(error) }, 'a heartbeat could not be read');
    }
  }

  async #lookAtAccounts(): Promise<void> {
    try {
      await this.#refreshAccounts();
    } catch (error) {
      this.#modules.log.warn(
        { reason: messageOf(error) },
        'the file of accounts cannot be read; the accounts stay as they were',
      );
    }
  }

  async #refreshAccounts(): Promise<void> {
    if (this.#accounts === undefined || !(await this.#accounts.refresh())) return;
    this.#policy = { ...this.#policy, accounts: this.#accounts.accounts };
    this.#modules.log.info({ accounts: this.#accounts.accounts.size }, 'accounts read');
  }
}
