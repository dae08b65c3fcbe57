// New blocks, and how long each connection waits for the news: from the announcement where it is known, else from the instant at which the
// hook was called, else from the first connection that was told.
import { setTimeout as sleep } from 'node:timers/promises';
import { announcementsOf } from '../latency/announcements.ts';
import type { LoadConfig } from './config.ts';
import type { Fleet } from './fleet.ts';
import { LatencyHistogram } from './measure/latency-histogram.ts';
import { monotonicMs } from './measure/monotonic.ts';
import type { TipResult, TipRound } from './results.ts';
import { monotonicOf, type NewBlock, type TipHook } from './tip-hook.ts';

const TOLD_WITHIN_MS = 20_000;
const POLL_MS = 5;
/** For a tip that comes at the end of the time. */
const GRACE_MS = 1_000;

interface Called extends NewBlock {
  readonly calledAt: number;
}

interface Tip {
  readonly name: string;
  /** When connections were told, earliest first. */
  readonly told: readonly number[];
}

export class TipRounds {
  readonly #config: LoadConfig;
  readonly #hook: TipHook | undefined;
  readonly #fleet: Fleet;
  readonly #say: (what: string) => void;
  readonly #calls: Called[] = [];
  #untold = 0;

  /** Without a hook the tips of `--seconds` are watched as they come. */
  constructor(config: LoadConfig, hook: TipHook | undefined, fleet: Fleet, say: (what: string) => void) {
    this.#config = config;
    this.#hook = hook;
    this.#fleet = fleet;
    this.#say = say;
  }

  /** New blocks that do not count: the code of a new process is compiled in the first of them. */
  async warmUp(): Promise<void> {
    const { warmUpRounds } = this.#config;
    for (let round = 1; this.#hook !== undefined && round <= warmUpRounds; round++) {
      this.#say(`new block ${round} of ${warmUpRounds} that do not count`);
      await this.#round(this.#hook);
    }
    this.#calls.length = 0;
  }

  async run(): Promise<TipResult> {
    const { rounds, seconds } = this.#config;
    const hook = this.#hook;
    const startedAt = monotonicMs();
    if (hook === undefined) {
      this.#say(`watching tips for ${seconds} s`);
      await sleep(seconds * 1_000);
    }
    for (let round = 1; hook !== undefined && round <= rounds; round++) {
      this.#say(`new block ${round} of ${rounds}`);
      await this.#round(hook);
    }
    const endedAt = monotonicMs();
    if (hook === undefined) await sleep(GRACE_MS);
    const tips = await this.#tips();
    const seen = hook === undefined ? tips.filter(({ told }) => (told[0] ?? 0) < endedAt) : tips;
    return { ...this.#measure(seen), untold: this.#untold, seconds: (endedAt - startedAt) / 1_000 };
  }

  async #round(hook: TipHook): Promise<void> {
    const before = this.#fleet.toldTips.length;
    const calledAt = monotonicMs();
    const block = await hook();
    this.#calls.push({ ...block, calledAt });
    const deadline = monotonicMs() + TOLD_WITHIN_MS;
    const told = () => {
      const tips = this.#fleet.toldTips;
      return block.hash === undefined ? tips.length > before : tips.includes(block.hash);
    };
    while (!told() && monotonicMs() < deadline) await sleep(POLL_MS);
    if (!told()) this.#untold += 1;
    await sleep(this.#config.roundSeconds * 1_000);
  }

  async #tips(): Promise<readonly Tip[]> {
    const stamps = new Map<string, number[]>();
    for (const answer of await this.#fleet.ask('tips', () => null))
      for (const [name, { told }] of answer) {
        const all = stamps.get(name) ?? [];
        for (const at of told) if (!Number.isNaN(at)) all.push(at);
        stamps.set(name, all);
      }
    const tips = [...stamps].map(([name, told]) => ({ name, told: told.sort((a, b) => a - b) }));
    return tips.sort((a, b) => (a.told[0] ?? 0) - (b.told[0] ?? 0));
  }

  #measure(tips: readonly Tip[]): Pick<TipResult, 'rounds' | 'fromZero' | 'fromFirst'> {
    const { announcements } = this.#config;
    const announced = announcements === undefined ? undefined : announcementsOf(announcements);
    const fromZero = new LatencyHistogram();
    const fromFirst = new LatencyHistogram();
    const rounds: TipRound[] = [];
    for (const { tip, call } of this.#matched(tips)) {
      const first = tip.told[0] ?? 0;
      const logged = announced?.get(tip.name);
      const announcedAt = logged === undefined ? call?.announcedAt : monotonicOf(Number(logged) / 1e6);
      const zero = announcedAt ?? call?.calledAt ?? first;
      for (const at of tip.told) {
        fromZero.record(at - zero);
        fromFirst.record(at - first);
      }
      rounds.push({
        tip: tip.name,
        zero: announcedAt !== undefined ? 'announcement' : call !== undefined ? 'hook' : 'first connection told',
        told: tip.told.length,
        first: first - zero,
        last: (tip.told.at(-1) ?? 0) - zero,
      });
    }
    return { rounds, fromZero, fromFirst };
  }

  /** With a hook: the tips of its blocks, each the one it named or the first that came after the call. Without: all. */
  #matched(tips: readonly Tip[]): readonly { readonly tip: Tip; readonly call: Called | undefined }[] {
    if (this.#hook === undefined) return tips.map((tip) => ({ tip, call: undefined }));
    return this.#calls.flatMap((call) => {
      const tip = tips.find(({ name, told }) =>
        call.hash === undefined ? (told[0] ?? 0) >= call.calledAt : name === call.hash,
      );
      return tip === undefined ? [] : [{ tip, call }];
    });
  }
}
