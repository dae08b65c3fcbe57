// The last sample of each pod of one fleet. Held by whoever leads alone: the next one asks anew.
import type { Clock } from '@sluice/runtime/clock';
import { SAMPLE_MAX_AGE_MS, type Sample } from '../scaling/observed-fleet.ts';
import type { Pod } from './pods.ts';
import type { ProgressOptions, Scraper } from './scraper.ts';

/** A pod that moves connections away, or has not answered yet, is asked this often. */
const CLOSELY_MS = 700;
const CPU_SECONDS = 'process_cpu_seconds_total';

/** By the monotonic clock: a host whose clock is set back goes on asking. */
interface Known {
  askedAt: number;
  isBeingAsked: boolean;
  /** It has answered, or had the time to. */
  hadTime: boolean;
  sample: Sample | undefined;
  cpu: { readonly at: number; readonly seconds: number } | undefined;
  cores: { readonly at: number; readonly count: number } | undefined;
}

export interface AskedPod {
  readonly pod: Pod;
  /** It moves connections away. */
  readonly isClosely: boolean;
}

export interface ScrapeOptions extends ProgressOptions {
  /** Between two questions to a pod with which nothing happens. */
  readonly everyMs: number;
  /** Whether CPU is a measure. */
  readonly withCpu: boolean;
}

export class PodSamples {
  readonly #scraper: Scraper;
  readonly #clock: Clock;
  /** By uid; of the pods that there are. */
  readonly #known = new Map<string, Known>();

  constructor(scraper: Scraper, clock: Clock) {
    this.#scraper = scraper;
    this.#clock = clock;
  }

  /** Asks those of the fleet's pods whose turn it is. Resolves when they have answered or had the time to; undefined where it is nobody's. */
  scrape(pods: readonly AskedPod[], options: ScrapeOptions): Promise<unknown> | undefined {
    const uids = new Set(pods.map(({ pod }) => pod.metadata.uid));
    for (const uid of this.#known.keys()) if (!uids.has(uid)) this.#known.delete(uid);
    const now = this.#clock.monotonic();
    const due = pods.filter(({ pod, isClosely }) => {
      const known = this.#known.get(pod.metadata.uid ?? '');
      if (known === undefined) return true;
      const restMs = isClosely || known.sample === undefined ? CLOSELY_MS : options.everyMs;
      return !known.isBeingAsked && now - known.askedAt >= restMs;
    });
    return due.length === 0 ? undefined : Promise.all(due.map(({ pod }) => this.#ask(pod, options)));
  }

  /** The last one that was got, however old. */
  of(uid: string): Sample | undefined {
    return this.#known.get(uid)?.sample;
  }

  /** Whether there are pods, and each has answered or had the time to. */
  get hasAsked(): boolean {
    return this.#known.size > 0 && !this.isWaiting;
  }

  /** Whether there are pods that have been asked and have not had the time to answer yet. */
  get isWaiting(): boolean {
    return [...this.#known.values()].some(({ hadTime }) => !hadTime);
  }

  /** Whether all that were asked have answered once. */
  get areComplete(): boolean {
    return [...this.#known.values()].every(({ sample }) => sample !== undefined);
  }

  /**
   * Until a pod that has answered, and with which nothing happens, is to be asked again; undefined while there is none that can be asked.
   * @param everyMs between two questions to one
   */
  untilNextMs(everyMs: number): number | undefined {
    if (this.#known.size === 0) return undefined;
    const now = this.#clock.monotonic();
    const waits = [...this.#known.values()].map(({ askedAt, isBeingAsked }) => (isBeingAsked ? 0 : askedAt - now));
    return Math.max(0, everyMs + Math.min(0, ...waits));
  }

  async #ask(pod: Pod, options: ScrapeOptions): Promise<void> {
    const { withCpu, signal } = options;
    const uid = pod.metadata.uid ?? '';
    const known = this.#known.get(uid) ?? unasked();
    this.#known.set(uid, known);
    const [atMs, at] = [this.#clock.now(), this.#clock.monotonic()];
    known.askedAt = at;
    known.isBeingAsked = true;
    const progress = await this.#scraper.progress(pod, options);
    // One that says nothing takes the time of one question, and not of two.
    if (progress !== undefined && withCpu) await this.#askForCpu(known, pod, signal);
    known.hadTime = true;
    known.isBeingAsked = false;
    // When it was asked: what it says is of that time at the earliest.
    if (progress !== undefined)
      known.sample = { atMs, ...progress, cpuCores: withCpu ? coresOf(known, at) : undefined };
  }

  async #askForCpu(known: Known, pod: Pod, signal: AbortSignal): Promise<void> {
    const at = this.#clock.monotonic();
    const seconds = await this.#scraper.metric(pod, CPU_SECONDS, signal);
    if (seconds === undefined) return;
    const count = coresBetween(known.cpu, at, seconds);
    if (count !== undefined) known.cores = { at, count };
    known.cpu = { at, seconds };
  }
}

const unasked = (): Known => ({
  ...{ askedAt: Number.NEGATIVE_INFINITY, isBeingAsked: false, hadTime: false },
  ...{ sample: undefined, cpu: undefined, cores: undefined },
});

/** What was known last, for as long as connections are. */
const coresOf = ({ cores }: Known, at: number) =>
  cores !== undefined && at - cores.at <= SAMPLE_MAX_AGE_MS ? cores.count : undefined;

/** Between two samples of one process; one that began anew has used less. */
function coresBetween(before: Known['cpu'], at: number, seconds: number): number | undefined {
  if (before === undefined || seconds < before.seconds || at <= before.at) return undefined;
  return ((seconds - before.seconds) * 1_000) / (at - before.at);
}
