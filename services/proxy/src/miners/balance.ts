// Which miners go to another upstream, so that each upstream has its part of the hashrate by few moves. Pure.

/** Parts may be off by so much of the whole hashrate before anybody moves: estimates waver by more than nothing. */
export const TOLERANCE = 0.05;

/** Once some move, so far off is right. */
const SETTLED = 0.005;

/** A miner, as it counts here. */
export interface Weighed {
  /** Hashes a second, positive. */
  readonly hashrate: number;
  /** Index of the part that it is in; -1: in none of them. */
  readonly part: number;
}

export interface Move {
  /** Of the miner. */
  readonly index: number;
  /** Index of the part. */
  readonly to: number;
}

/**
 * Those in no part go where most is missing, the largest first. Of the others some move when a part is off by more than the tolerance: the
 * largest that do not overshoot, until all parts are as good as right, and then one that does, where that is nearer all the same.
 * @param weights of the parts, positive.
 */
export function balance(miners: readonly Weighed[], weights: readonly number[]): readonly Move[] {
  const total = miners.reduce((sum, { hashrate }) => sum + hashrate, 0);
  const missing = missingOf(miners, weights, total);
  const isOff = (tolerance: number) => Math.max(...missing.map(Math.abs)) > tolerance * total;
  const isHomeless = miners.some(({ part }) => part === -1);
  if (!isHomeless && !isOff(TOLERANCE)) return [];

  const moves: Move[] = [];
  const move = (index: number, to: number): void => {
    const { hashrate, part } = miners[index]!;
    if (part !== -1) missing[part]! += hashrate;
    missing[to]! -= hashrate;
    moves.push({ index, to });
  };
  const largestFirst = [...miners.keys()].sort((a, b) => miners[b]!.hashrate - miners[a]!.hashrate);
  for (const index of largestFirst) if (miners[index]!.part === -1) move(index, indexOfMax(missing));
  if (!isOff(TOLERANCE)) return moves;

  const left: number[] = [];
  for (const index of largestFirst) {
    const { hashrate, part } = miners[index]!;
    const to = indexOfMax(missing);
    if (part === -1 || !isOff(SETTLED)) continue;
    if (hashrate <= Math.min(-missing[part]!, missing[to]!)) move(index, to);
    else left.push(index);
  }
  const from = missing.indexOf(Math.min(...missing));
  const to = indexOfMax(missing);
  const smallest = left.findLast((index) => miners[index]!.part === from);
  if (smallest !== undefined && isOff(TOLERANCE)) {
    const { hashrate } = miners[smallest]!;
    const before = missing[to]! - missing[from]!;
    const after = Math.abs(missing[to]! - hashrate) + Math.abs(missing[from]! + hashrate);
    if (before - after > TOLERANCE * total) move(smallest, to);
  }
  return moves;
}

/** Hashes a second that each part lacks; what it has too much of is negative. */
function missingOf(miners: readonly Weighed[], weights: readonly number[], total: number): number[] {
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  const missing = weights.map((weight) => (total * weight) / all);
  for (const { hashrate, part } of miners) if (part !== -1) missing[part]! -= hashrate;
  return missing;
}

function indexOfMax(values: readonly number[]): number {
  return values.indexOf(Math.max(...values));
}
