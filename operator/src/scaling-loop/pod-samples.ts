// The last sample of each pod of one fleet. Held by whoever leads alone: the next one asks anew.
import type { Clock } from '@sluice/runtime/clock';
import type { Sample } from '../scaling/observed-fleet.ts';
import type { Pod } from './pods.ts';
import type { Scraper } from './scraper.ts';

/** A pod that moves connections away, or has not answered yet, is asked this often. */
const CLOSELY_MS = 700;
const CPU_SECONDS = 'process_cpu_seconds_total';

/** By the monotonic clock: a host whose clock is set back goes on asking. */
interface Known {
  askedAt: number;
  sample: Sample | undefined;
  cpu: { readonly at: number; readonly seconds: number } | undefined;
}

export interface AskedPod {
  readonly pod: Pod;
  /** It moves connections away. */
  readonly isClosely: boolean;
}

export interface ScrapeOptions {
  readonly token: string;
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

  /** Asks those of the fleet's pods whose turn it is. */
  async scrape(pods: readonly AskedPod[], { token, everyMs, withCpu }: ScrapeOptions): Promise<void> {
    const uids = new Set(pods.map(({ pod }) => pod.metadata.uid));
    for (const uid of this.#known.keys()) if (!uids.has(uid)) this.#known.delete(uid);
    const now = this.#clock.monotonic();
    const due = pods.filter(({ pod, isClosely }) => {
      const { askedAt = Number.NEGATIVE_INFINITY, sample } = this.#known.get(pod.metadata.uid ?? '') ?? {};
      return now - askedAt >= (isClosely || sample === undefined ? CLOSELY_MS : everyMs);
    });
    await Promise.all(due.map(({ pod }) => this.#ask(pod, token, withCpu)));
  }

  /** The last one that was got, however old. */
  of(uid: string): Sample | undefined {
    return this.#known.get(uid)?.sample;
  }

  /** Whether any pod has been asked, answered or not. */
  get hasAsked(): boolean {
    return this.#known.size > 0;
  }

  async #ask(pod: Pod, token: string, withCpu: boolean): Promise<void> {
    const uid = pod.metadata.uid ?? '';
    const [atMs, at] = [this.#clock.now(), this.#clock.monotonic()];
    const known = this.#known.get(uid) ?? { askedAt: at, sample: undefined, cpu: undefined };
    this.#known.set(uid, known);
    known.askedAt = at;
    const [progress, seconds] = await Promise.all([
      this.#scraper.progress(pod, token),
      withCpu ? this.#scraper.metric(pod, CPU_SECONDS) : undefined,
    ]);
    const cpuCores = coresOf(known.cpu, at, seconds);
    if (seconds !== undefined) known.cpu = { at, seconds };
    // When it was asked: what it says is of that time at the earliest.
    if (progress !== undefined) known.sample = { atMs, ...progress, cpuCores };
  }
}

/** Between two samples of one process; one that began anew has used less. */
function coresOf(before: Known['cpu'], at: number, seconds: number | undefined): number | undefined {
  if (before === undefined || seconds === undefined || seconds < before.seconds || at <= before.at) return undefined;
  return ((seconds - before.seconds) * 1_000) / (at - before.at);
}
