// Step 2 of the share's way: a block candidate goes out before anything else, by every way there is. Nothing here waits for a batch,
// and the direct ways do not wait for the stream.
import type { Bus } from '@sluice/bus/bus';
import { Solution } from '@sluice/bus/payloads/solution';
import { subjectName } from '@sluice/bus/subjects';
import type { HostPort } from '@sluice/runtime/config/value-types';
import { messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import { OutageLog } from '@sluice/runtime/outage-log';
import { ProviderLink, type ProviderLinkCounters } from './provider-link.ts';

/** Candidates that the durable stream has not acknowledged; at the bound the oldest goes. On a real network there is never a second. */
const UNSTORED_BOUND = 1_024;
/** Candidates that are known by their hash, so that one that is submitted again is not sent again. */
const SEEN_BOUND = 4_096;
const RETRY_FIRST_MS = 100;
const RETRY_LONGEST_MS = 5_000;

export interface SolutionCounters extends ProviderLinkCounters {
  solutions: number;
  solutionsStored: number;
}

export class Solutions {
  readonly #bus: Bus;
  readonly #log: Logger;
  readonly #counters: SolutionCounters;
  readonly #links: readonly ProviderLink[];
  /** Not stored yet, by hash in hex. */
  readonly #unstored = new Map<string, Uint8Array>();
  readonly #seen = new Set<string>();
  readonly #outage = new OutageLog(() => performance.now());
  #storing = false;
  #retryMs = RETRY_FIRST_MS;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    providers: readonly HostPort[],
    modules: { readonly bus: Bus; readonly log: Logger; readonly counters: SolutionCounters },
  ) {
    this.#bus = modules.bus;
    this.#log = modules.log;
    this.#counters = modules.counters;
    this.#links = providers.map((endpoint) => new ProviderLink(endpoint, modules));
  }

  open(): void {
    for (const link of this.#links) link.open();
  }

  /** Candidates that the stream has not acknowledged. */
  get unstored(): number {
    return this.#unstored.size;
  }

  /** Providers that are connected without the bus. */
  get connectedProviders(): number {
    return this.#links.filter((link) => link.connected).length;
  }

  /** Sends a candidate; returns at once. */
  send(solution: Solution): void {
    const key = Buffer.from(solution.hash).toString('hex');
    if (this.#seen.has(key)) return;
    this.#remember(key);
    this.#counters.solutions += 1;
    const payload = Solution.encode(solution);
    for (const link of this.#links) link.send(key, payload);
    this.#bus.publish(subjectName('solutionNow'), payload);
    if (this.#unstored.size >= UNSTORED_BOUND) this.#dropOldest();
    this.#unstored.set(key, payload);
    void this.#store();
  }

  /** Resolves when every candidate is in the stream, or after `deadlineMs`. */
  async flush(deadlineMs: number): Promise<void> {
    const end = performance.now() + deadlineMs;
    while (this.#unstored.size > 0 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const link of this.#links) link.close();
  }

  async #store(): Promise<void> {
    if (this.#storing || this.#closed) return;
    this.#storing = true;
    try {
      for (const [key, payload] of this.#unstored) {
        await this.#bus.append('SOLUTIONS', subjectName('solution'), payload, { messageId: `solution-${key}` });
        this.#unstored.delete(key);
        this.#counters.solutionsStored += 1;
        this.#retryMs = RETRY_FIRST_MS;
        this.#outage.over();
      }
    } catch (error) {
      const facts = { reason: messageOf(error), waiting: this.#unstored.size };
      this.#log[this.#outage.level()](facts, 'a block candidate is not stored yet');
      this.#retryLater();
    } finally {
      this.#storing = false;
    }
  }

  #retryLater(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#store(), this.#retryMs);
    this.#retryMs = Math.min(RETRY_LONGEST_MS, this.#retryMs * 2);
  }

  #remember(key: string): void {
    this.#seen.add(key);
    const [oldest] = this.#seen;
    if (this.#seen.size > SEEN_BOUND && oldest !== undefined) this.#seen.delete(oldest);
  }

  #dropOldest(): void {
    const oldest = this.#unstored.keys().next().value;
    if (oldest === undefined) return;
    this.#unstored.delete(oldest);
    this.#counters.solutionsDropped += 1;
  }
}
