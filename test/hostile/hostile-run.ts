// One case: what honest miners felt before and meanwhile, what it left in memory, and what was counted.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Counted, HostileCase } from './cases.ts';
import type { Felt, HostileTarget } from './hostile-target.ts';

/** Below these a 99th percentile is one of them. */
export const FEWEST_SAMPLES = 100;
/** The collection of garbage is felt as well, and is nobody's attack. */
const SETTLE_MS = 500;
const LOOK_MS = 200;
const LET_IN_MS = 20_000;

export interface HostilePace {
  /** How long is looked at a time: what a burst costs would be lost in a long look. */
  readonly windowMs: number;
  /** Windows before the attack. */
  readonly windowsBefore: number;
  /** Windows meanwhile; in short at most: the attack goes on until there was one in which honest miners felt little of it. */
  readonly windows: number;
  /** What an acknowledgement may take in any case: twice of next to nothing is nothing, and of a busy machine it is chance. */
  readonly floorMs: number;
  /** Whether what takes minutes is waited for, and every window is looked at. */
  readonly isLong: boolean;
  /** How long an attack goes on at most until the gateway has counted it. */
  readonly countedMs: number;
}

export interface HostileResult {
  /** Of the window in which most was felt. */
  readonly before: Felt;
  /** Of each window. */
  readonly during: readonly Felt[];
  /** Milliseconds for which its event loop stood still at most. */
  readonly stall: { readonly before: number; readonly during: number };
  /** In MiB: what the process has in use before and afterwards, its garbage collected, and the most that it had of the system. */
  readonly memory: { readonly before: number; readonly after: number; readonly most: number };
  /** What was not counted although it must be. */
  readonly missing: readonly string[];
  /** By metric and label, as much as they grew. */
  readonly counted: ReadonlyMap<string, number>;
  /** What the attackers have seen. */
  readonly seen: Readonly<Record<string, number>>;
}

/** Whether no more was felt than is promised, twice of before, by enough of them that it means something. */
export const isBearable = (before: Felt, during: Felt, floorMs: number) =>
  during.samples >= FEWEST_SAMPLES && during.p99 <= Math.max(floorMs, 2 * before.p99);

/** @throws Error when a newcomer is not let in, or a connection of the attackers stays. */
export async function runCase(target: HostileTarget, one: HostileCase, pace: HostilePace): Promise<HostileResult> {
  const wanted = [...one.counts, ...((pace.isLong ? one.countsAtLength : one.countsInShort) ?? [])];
  const atFirst = await counts(target, wanted);
  const memoryBefore = await target.memoryInUse();
  await sleep(SETTLE_MS);
  await target.longestStall();
  const before = await feelBefore(target, pace);
  const stallBefore = await target.longestStall();
  const attacker = await target.begin(one.attacks);
  const during: Felt[] = [];
  let most = 0;
  let stallDuring: number;
  let missing: readonly string[];
  let seen: Readonly<Record<string, number>>;
  try {
    while (during.length < pace.windows) {
      const felt = await target.feel(pace.windowMs);
      during.push(felt);
      most = Math.max(most, target.memory);
      if (!pace.isLong && isBearable(before, felt, pace.floorMs)) break;
    }
    stallDuring = await target.longestStall();
    if (one.keepsOthersOut !== true) await letIn(target);
    missing = await untilCounted(target, wanted, atFirst, pace.countedMs);
  } finally {
    seen = await attacker.end();
  }
  await target.alone();
  const atLast = await counts(target, wanted);
  const counted = new Map([...atLast].map(([key, value]) => [key, value - (atFirst.get(key) ?? 0)]));
  const memory = { before: memoryBefore, after: await target.memoryInUse(), most };
  return { before, during, stall: { before: stallBefore, during: stallDuring }, memory, missing, counted, seen };
}

async function feelBefore(target: HostileTarget, { windowsBefore, windowMs }: HostilePace): Promise<Felt> {
  let worst = await target.feel(windowMs);
  for (let window = 1; window < windowsBefore; window++) {
    const felt = await target.feel(windowMs);
    if (felt.p99 > worst.p99) worst = felt;
  }
  return worst;
}

/** A miner that is closed comes again, as miners do: at the rate of all there is a place for it now and then. */
async function letIn(target: HostileTarget): Promise<void> {
  const deadline = performance.now() + LET_IN_MS;
  for (;;) {
    try {
      return await target.newcomer();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(LOOK_MS);
    }
  }
}

/** Resolves with what is still missing then. */
async function untilCounted(
  target: HostileTarget,
  wanted: readonly Counted[],
  atFirst: ReadonlyMap<string, number>,
  withinMs: number,
): Promise<readonly string[]> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const now = await counts(target, wanted);
    const missing = wanted.flatMap(([metric, label, atLeast]) => {
      const key = keyOf(metric, label);
      const grown = (now.get(key) ?? 0) - (atFirst.get(key) ?? 0);
      return grown >= atLeast ? [] : [`${key} has grown by ${grown}, not by ${atLeast}`];
    });
    if (missing.length === 0 || performance.now() > deadline) return missing;
    await sleep(LOOK_MS);
  }
}

async function counts(target: HostileTarget, wanted: readonly Counted[]): Promise<ReadonlyMap<string, number>> {
  const values = new Map<string, number>();
  for (const [metric, label] of wanted) values.set(keyOf(metric, label), await target.metric(metric, label));
  return values;
}

const keyOf = (metric: string, label: string) => (label === '' ? metric : `${metric}{${label}}`);
