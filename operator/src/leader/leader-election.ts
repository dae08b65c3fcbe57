// One of several operators leads, by a lease in the cluster. Times of others are never compared with our own clock: a lease counts as left when we
// have seen nobody renew it for as long as it lasts. A lease alone stops nobody who was stopped himself and goes on later: each write asks `isHeld` first.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '@sluice/runtime/clock';
import { messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import type { MetricsOf } from '@sluice/runtime/metrics';
import { OutageLog } from '@sluice/runtime/outage-log';
import type { Term } from '../apply/writer.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import { isKubernetesError } from '../kubernetes/errors.ts';
import { type Lease, type LeasePlace, type LeaseSpec, readLease, writeLease } from './lease.ts';
import type { leaderMetrics } from './metrics.ts';

/** client-go's. `lease > renew > retry`: the holder stops before others may begin, and misses several renewals before it does. */
export interface LeaseTimes {
  /** For how long others leave a lease alone that nobody renews. Whole seconds. */
  readonly leaseMs: number;
  /** After this without a renewal the holder does not lead any more. */
  readonly renewMs: number;
  readonly retryMs: number;
}
const TIMES: LeaseTimes = { leaseMs: 15_000, renewMs: 10_000, retryMs: 2_000 };

export interface LeaderElectionOptions extends LeasePlace {
  /** Of this process, and of no other one ever. */
  readonly identity: string;
  readonly times?: LeaseTimes;
}

export interface LeaderElectionModules {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  /** A fraction in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics: MetricsOf<typeof leaderMetrics>;
  /** Called at each term; resolves when nothing of it is under way any more, soon after the signal of the term. */
  readonly lead: (term: Term) => Promise<void>;
}

export class LeaderElection {
  readonly #options: LeaderElectionOptions;
  readonly #times: LeaseTimes;
  readonly #modules: LeaderElectionModules;
  readonly #stopping = new AbortController();
  readonly #outage: OutageLog;
  #running: Promise<void> = Promise.resolve();
  /** The newest lease that was read or written, and when it was first seen so. */
  #seen: { readonly lease: Lease; readonly at: number } | undefined;
  /** When the last renewal that was taken began. */
  #renewedAt = Number.NEGATIVE_INFINITY;

  constructor(options: LeaderElectionOptions, modules: LeaderElectionModules) {
    this.#options = options;
    this.#times = options.times ?? TIMES;
    this.#modules = modules;
    this.#outage = new OutageLog(() => modules.clock.monotonic());
  }

  start(): void {
    this.#showStatus(0);
    this.#running = this.#run();
  }

  /** Ends the term and gives the lease up, so that another one leads at once. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      if (await this.#tryToAcquire()) await this.#serveTerm();
      await this.#rest();
    }
  }

  /** Not all at once, where several stand by. */
  async #rest(): Promise<void> {
    const { retryMs } = this.#times;
    const ms = retryMs * (1 + 0.2 * this.#modules.random());
    await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }

  async #tryToAcquire(): Promise<boolean> {
    const { client, clock, log } = this.#modules;
    const { signal } = this.#stopping;
    try {
      const lease = await readLease(client, this.#options, signal);
      if (lease !== undefined) this.#note(lease);
      if (lease !== undefined && !this.#isFree(lease)) return false;
      await this.#write(lease, clock.monotonic(), signal);
      this.#outage.over();
      return true;
    } catch (error) {
      // Another one was faster.
      if (!signal.aborted && !isKubernetesError(error, 'api-conflict'))
        log[this.#outage.level()]({ reason: messageOf(error) }, 'cannot ask for the lease; trying again');
      return false;
    }
  }

  #note(lease: Lease): void {
    const isNew = lease.metadata.resourceVersion !== this.#seen?.lease.metadata.resourceVersion;
    if (isNew) this.#seen = { lease, at: this.#modules.clock.monotonic() };
  }

  #isFree({ spec }: Lease): boolean {
    // Our own term has ended when this is asked.
    if (!spec?.holderIdentity || spec.holderIdentity === this.#options.identity) return true;
    const leaseMs = (spec.leaseDurationSeconds ?? this.#times.leaseMs / 1_000) * 1_000;
    return this.#modules.clock.monotonic() - (this.#seen?.at ?? Number.POSITIVE_INFINITY) >= leaseMs;
  }

  /** @param begin when the attempt began, which is when what it writes holds from @throws KubernetesError */
  async #write(seen: Lease | undefined, begin: number, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#modules;
    const { identity } = this.#options;
    const now = microTime(clock.now());
    const isOurs = seen?.spec?.holderIdentity === identity;
    const transitions = seen?.spec?.leaseTransitions ?? -1;
    const spec = {
      holderIdentity: identity,
      leaseDurationSeconds: this.#times.leaseMs / 1_000,
      acquireTime: (isOurs ? seen?.spec?.acquireTime : undefined) ?? now,
      renewTime: now,
      leaseTransitions: isOurs ? transitions : transitions + 1,
    };
    this.#note(await writeLease(client, this.#options, { seen, spec, signal }));
    this.#renewedAt = begin;
  }

  #isHeld(): boolean {
    return this.#modules.clock.monotonic() - this.#renewedAt < this.#times.renewMs;
  }

  async #serveTerm(): Promise<void> {
    const { log, lead } = this.#modules;
    const lost = new AbortController();
    const signal = AbortSignal.any([lost.signal, this.#stopping.signal]);
    this.#showStatus(1);
    log.info({ identity: this.#options.identity }, 'leading');
    const leading = lead({ signal, isHeld: () => !signal.aborted && this.#isHeld() }).catch((error: unknown) => {
      log.error({ reason: messageOf(error) }, 'a term as leader failed');
      lost.abort();
    });
    await this.#renewUntil(signal);
    lost.abort();
    this.#showStatus(0);
    await leading;
    if (this.#stopping.signal.aborted) await this.#release();
    else log.warn('the lease was lost; standing by');
  }

  /** Resolves when the lease is lost or the signal comes. */
  async #renewUntil(signal: AbortSignal): Promise<void> {
    const { clock } = this.#modules;
    const { retryMs, renewMs } = this.#times;
    while (!signal.aborted) {
      const left = this.#renewedAt + renewMs - clock.monotonic();
      if (left <= 0) return;
      await sleep(Math.min(retryMs, left), undefined, { signal }).catch(() => undefined);
      if (signal.aborted || !(await this.#renew(signal))) return;
    }
  }

  /** Resolves with whether the lease may still be ours. */
  async #renew(signal: AbortSignal): Promise<boolean> {
    const { client, clock, log } = this.#modules;
    const begin = clock.monotonic();
    const left = this.#renewedAt + this.#times.renewMs - begin;
    // Whoever was stopped for too long does not try: the lease may be another's.
    if (left <= 0) return false;
    // An attempt that hangs must not take the time of the next ones.
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(Math.min(left, this.#times.renewMs / 2)))]);
    try {
      await this.#write(this.#seen?.lease, begin, deadline);
      this.#outage.over();
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      log[this.#outage.level()]({ reason: messageOf(error) }, 'the lease could not be renewed; trying again');
      if (!isKubernetesError(error, 'api-conflict')) return true;
      // An earlier write of our own may have arrived without its answer; else it is another's now.
      const lease = await readLease(client, this.#options, deadline).catch(() => undefined);
      if (lease !== undefined) this.#note(lease);
      return lease?.spec?.holderIdentity === this.#options.identity;
    }
  }

  async #release(): Promise<void> {
    const { client, log } = this.#modules;
    if (!this.#isHeld() || this.#seen === undefined) return;
    const signal = AbortSignal.timeout(this.#times.retryMs);
    const giveUp = (seen: Lease) => writeLease(client, this.#options, { seen, spec: this.#givenUp(seen), signal });
    try {
      await giveUp(this.#seen.lease).catch(async (error: unknown) => {
        // A renewal that was cut off by the end may have arrived all the same.
        const lease = isKubernetesError(error, 'api-conflict') && (await readLease(client, this.#options, signal));
        if (!lease || lease.spec?.holderIdentity !== this.#options.identity) throw error;
        await giveUp(lease);
      });
    } catch (error) {
      log.debug({ reason: messageOf(error) }, 'the lease could not be given up; it runs out by itself');
    }
  }

  #givenUp({ spec }: Lease): LeaseSpec {
    const renewTime = microTime(this.#modules.clock.now());
    const { leaseTransitions = 0, acquireTime = renewTime } = spec ?? {};
    return { holderIdentity: '', leaseDurationSeconds: 1, acquireTime, renewTime, leaseTransitions };
  }

  #showStatus(status: 0 | 1): void {
    this.#modules.metrics.status.with({ name: this.#options.name }).set(status);
  }
}

/** RFC 3339 with microseconds, as Kubernetes has the times of leases. @param now Unix milliseconds */
const microTime = (now: number): string => new Date(now).toISOString().replace('Z', '000Z');
