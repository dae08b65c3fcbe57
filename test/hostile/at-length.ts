// The course of `npm run hostile`: a pool and then a proxy with their usual limits, one attack after the other.
import { messageOf } from '@sluice/runtime/errors';
import { describeMachine, measureBusy } from '../load/compare/machine.ts';
import { Pinning } from '../load/compare/pinning.ts';
import { writeMeasured } from '../load/report/document-section.ts';
import { type HostileConfig, poolCases, proxyCases } from './at-length-config.ts';
import { type CaseRecord, faultsOf, rowOf, sectionOf } from './at-length-section.ts';
import type { HostileCase } from './cases.ts';
import { HostilePool } from './hostile-pool.ts';
import { HostileProxy } from './hostile-proxy.ts';
import { type HostilePace, runCase } from './hostile-run.ts';
import type { HostileTarget } from './hostile-target.ts';

/** So that peers who open channels and send no share are seen to be closed, but not before those who read nothing have had a dozen blocks. */
const SHARE_DEADLINE = ['--share-deadline', '60'];
/** What an acknowledgement may take in any case. */
const FLOOR_MS = 100;
/** Some bounds are met after a minute. */
const COUNTED_MS = 120_000;

export class HostileAtLength {
  readonly #config: HostileConfig;
  readonly #pace: HostilePace;
  readonly #pinning: Pinning;
  readonly #records: CaseRecord[] = [];
  #busy = 0;
  #target: HostileTarget | undefined;

  constructor(config: HostileConfig) {
    const { seconds, windows, unpinned } = config;
    const windowsBefore = Math.ceil(windows / 2);
    this.#config = config;
    this.#pace = {
      ...{ windowMs: seconds * 1_000, windows, windowsBefore, floorMs: FLOOR_MS, countedMs: COUNTED_MS, isLong: true },
    };
    this.#pinning = new Pinning(unpinned);
  }

  /** Resolves with whether every attack was bearable, and what came of them was written where it was to be. */
  async run(): Promise<boolean> {
    const { cases, document } = this.#config;
    const began = performance.now();
    await this.#tryAll(poolCases, () => HostilePool.start(SHARE_DEADLINE));
    await this.#tryAll(proxyCases, () => HostileProxy.start([]));
    const minutes = (performance.now() - began) / 60_000;
    const faults = this.#records.flatMap((record) => faultsOf(record, FLOOR_MS));
    const machine = [...(await describeMachine()), this.#pinning.text];
    const section = sectionOf({
      ...{ records: this.#records, pace: this.#pace, faults, machine, busy: this.#busy, minutes },
    });
    process.stdout.write(`${section}\n`);
    if (cases.length > 0) return faults.length === 0;
    return writeMeasured(document, 'hostile', section, this.#busy, say) && faults.length === 0;
  }

  /** Ends everything; also in the middle. */
  async stop(): Promise<void> {
    await this.#target?.stop();
    this.#target = undefined;
  }

  async #tryAll(all: readonly HostileCase[], start: () => Promise<HostileTarget>): Promise<void> {
    const { cases } = this.#config;
    const chosen = all.filter(({ name }) => cases.length === 0 || cases.some((one) => one === name));
    if (chosen.length === 0) return;
    this.#busy = Math.max(this.#busy, await measureBusy());
    const target = await this.#pinning.amongServers(start);
    this.#target = target;
    for (const one of chosen) this.#records.push(await this.#try(one, target));
    await this.stop();
    this.#busy = Math.max(this.#busy, await measureBusy());
  }

  async #try(one: HostileCase, target: HostileTarget): Promise<CaseRecord> {
    const lostBefore = target.lost;
    try {
      const result = await runCase(target, one, this.#pace);
      const record = { name: one.name, result, lost: target.lost - lostBefore };
      say(`${rowOf(record, FLOOR_MS).join(' | ')} ${JSON.stringify(result.seen)}`);
      return record;
    } catch (error) {
      say(`${target.logs()}\n${one.name}: ${messageOf(error)}`);
      return { name: one.name, result: messageOf(error), lost: target.lost - lostBefore };
    }
  }
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
