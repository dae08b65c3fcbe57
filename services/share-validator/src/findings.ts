// What is wrong with a batch, bounded: of many findings the first are told and the rest counted.
import { type Finding, type FindingKind, findingKinds, WHOLE_BATCH } from '@sluice/bus/payloads/credit';

/** Findings told of one batch. */
export const FINDINGS_PER_BATCH = 32;

export type FindingName = keyof typeof findingKinds;
export const findingNames = Object.keys(findingKinds) as FindingName[];

/** Those which no honest gateway can cause: its credit is held from then on. */
const DAMNING: ReadonlySet<FindingKind> = new Set([
  findingKinds.malformed,
  findingKinds.invalidShare,
  findingKinds.repeatedShare,
]);

export class Findings {
  readonly #told: Finding[] = [];
  readonly #counts = new Map<FindingKind, number>();
  #damning = false;

  add(name: FindingName, detail: string, shareIndex: number = WHOLE_BATCH): void {
    const kind = findingKinds[name];
    if (DAMNING.has(kind)) this.#damning = true;
    this.#counts.set(kind, this.count(name) + 1);
    if (this.#told.length < FINDINGS_PER_BATCH) this.#told.push({ kind, shareIndex, detail });
  }

  count(name: FindingName): number {
    return this.#counts.get(findingKinds[name]) ?? 0;
  }

  /** The incarnation is not to be believed. */
  get damning(): boolean {
    return this.#damning;
  }

  /** Those told; where some are left out the last says how many there were. */
  list(): readonly Finding[] {
    let total = 0;
    for (const count of this.#counts.values()) total += count;
    const last = this.#told.at(-1);
    if (last === undefined || total === this.#told.length) return this.#told;
    return [...this.#told.slice(0, -1), { ...last, detail: `${last.detail} (of ${total} findings in all)` }];
  }
}
