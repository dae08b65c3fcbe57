// Work of the last minutes by identity and worker, for live views: nothing here is a record of what is owed. Bounded; the longest silent
// go first.
import type { Statistics } from '@sluice/bus/payloads/credit';
import type { Credit } from './credit-sums.ts';

/** Workers followed at once. */
export const WORKERS_BOUND = 50_000;
/** What a hashrate is the mean of. */
export const HASHRATE_WINDOW_MS = 600_000;
const SLOT_MS = 60_000;
const SLOTS = HASHRATE_WINDOW_MS / SLOT_MS;
/** Workers told in one message: with the longest names it stays below the bus's largest payload. */
const WORKERS_PER_MESSAGE = 1_000;

/** One text for each pair, whatever characters the names have. */
const workerKey = (identity: string, worker: string): string => `${identity.length} ${identity}${worker}`;

interface WorkerWindow {
  readonly identity: string;
  readonly worker: string;
  /** Work by minute, a ring. */
  readonly work: Float64Array;
  /** Minute number of the newest slot. */
  minute: number;
  readonly firstAtMs: number;
  /** Since the last report. */
  shares: number;
  exactWork: bigint;
}

export class WorkerStatistics {
  readonly #bound: number;
  /** Least recently active first. */
  readonly #workers = new Map<string, WorkerWindow>();
  #fromMs: number;
  #shares = 0n;
  #work = 0n;
  /** Workers that had to go before their window was empty. */
  evicted = 0;

  constructor(nowMs: number, bound: number = WORKERS_BOUND) {
    this.#fromMs = nowMs;
    this.#bound = bound;
  }

  get size(): number {
    return this.#workers.size;
  }

  /** `atMs`: when the shares were stored, in Unix milliseconds. */
  add({ identity, worker, shares, work }: Credit, atMs: number): void {
    this.#shares += BigInt(shares);
    this.#work += work;
    const key = workerKey(identity, worker);
    const window = this.#workers.get(key) ?? newWindow(identity, worker, atMs);
    this.#workers.delete(key);
    this.#workers.set(key, window);
    if (this.#workers.size > this.#bound) this.#evict();
    advance(window, atMs);
    const age = window.minute - minuteOf(atMs);
    if (age < SLOTS) window.work[(window.minute - age) % SLOTS]! += Number(work);
    window.shares += shares;
    window.exactWork += work;
  }

  /** What came since the last report, in as many messages as needed, and every worker's hashrate; forgets who was silent for a window. */
  report(validator: string, nowMs: number): Statistics[] {
    const workers: Statistics['workers'][number][] = [];
    for (const [key, window] of this.#workers) {
      advance(window, nowMs);
      const hashrate = hashrateOf(window, nowMs);
      if (hashrate === 0 && window.shares === 0) {
        this.#workers.delete(key);
        continue;
      }
      const { identity, worker, shares, exactWork } = window;
      workers.push({ identity, worker, shares, work: exactWork, hashrate });
      window.shares = 0;
      window.exactWork = 0n;
    }
    const messages: Statistics[] = [];
    const times = { validator, fromMs: this.#fromMs, toMs: nowMs };
    for (let start = 0; start === 0 || start < workers.length; start += WORKERS_PER_MESSAGE) {
      // The sums stand in the first message alone, so that a reader may add all of them up.
      const [shares, work] = start === 0 ? [this.#shares, this.#work] : [0n, 0n];
      messages.push({ ...times, shares, work, workers: workers.slice(start, start + WORKERS_PER_MESSAGE) });
    }
    this.#fromMs = nowMs;
    this.#shares = 0n;
    this.#work = 0n;
    return messages;
  }

  #evict(): void {
    const [oldest] = this.#workers.keys();
    if (oldest === undefined) return;
    this.#workers.delete(oldest);
    this.evicted += 1;
  }
}

function newWindow(identity: string, worker: string, atMs: number): WorkerWindow {
  const work = new Float64Array(SLOTS);
  return { identity, worker, work, minute: minuteOf(atMs), firstAtMs: atMs, shares: 0, exactWork: 0n };
}

const minuteOf = (atMs: number): number => Math.floor(atMs / SLOT_MS);

/** Empties the slots of the minutes that have passed. */
function advance(window: WorkerWindow, atMs: number): void {
  const minute = minuteOf(atMs);
  const passed = Math.min(SLOTS, minute - window.minute);
  for (let step = 1; step <= passed; step += 1) window.work[(minute - passed + step) % SLOTS] = 0;
  if (minute > window.minute) window.minute = minute;
}

/** Hashes per second over the window, or over the time since the first share where that is shorter, but a minute at least. */
function hashrateOf({ work, firstAtMs }: WorkerWindow, nowMs: number): number {
  let sum = 0;
  for (const slot of work) sum += slot;
  // The newest slot is the running minute: the window reaches back from its begin.
  const whole = (SLOTS - 1) * SLOT_MS + (nowMs % SLOT_MS);
  const span = Math.max(SLOT_MS, Math.min(whole, nowMs - firstAtMs));
  return (sum / span) * 1_000;
}
