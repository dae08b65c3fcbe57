// The last sample of each pod of one fleet. Held by whoever leads alone: the next one asks anew.
import type { Clock } from '@sluice/runtime/clock';
import type { Sample } from '../scaling/observed-fleet.ts';
import type { Pod } from './pods.ts';
import type { Scraper } from './scraper.ts';

/** A pod that moves connections away, or has not answered yet, is asked this often. */
const CLOSELY_MS = 700;
const CPU_SECONDS = 'process_cpu_seconds_total';

interface Known {
  askedAtMs: number;
  sample: Sample | undefined;
  cpu: { readonly atMs: number; readonly seconds: number } | undefined;
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
    const now = this.#clock.now();
    const due = pods.filter(({ pod, isClosely }) => {
      const { askedAtMs = 0, sample } = this.#known.get(pod.metadata.uid ?? '') ?? {};
      return now - askedAtMs >= (isClosely || sample === undefined ? CLOSELY_MS : everyMs);
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
    const atMs = this.#clock.now();
    const known = this.#known.get(uid) ?? { askedAtMs: 0, sample: undefined, cpu: undefined };
    this.#known.set(uid, known);
    known.askedAtMs = atMs;
    const [progress, seconds] = await Promise.all([
      this.#scraper.progress(pod, token),
      withCpu ? this.#scraper.metric(pod, CPU_SECONDS) : undefined,
    ]);
    const cpuCores = coresOf(known.cpu, atMs, seconds);
    if (seconds !== undefined) known.cpu = { atMs, seconds };
    // When it was asked: what it says is of that time at the earliest.
    if (progress !== undefined) known.sample = { atMs, ...progress, cpuCores };
  }
}

/** Between two samples of one process; one that began anew has used less. */
function coresOf(before: Known['cpu'], atMs: number, seconds: number | undefined): number | undefined {
  if (before === undefined || seconds === undefined || seconds < before.seconds || atMs <= before.atMs)
    return undefined;
  return ((seconds - before.seconds) * 1_000) / (atMs - before.atMs);
}
