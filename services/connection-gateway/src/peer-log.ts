// What the log says at debug of a peer, for whoever writes the other side.
import { difficultyOfTarget } from '@sluice/bitcoin/target';

/** At most one line in so long: a farm that is pointed at the wrong pool must not fill the log. */
const SELDOM_MS = 60_000;

/** A difficulty as people compare it, to four digits. */
export function difficultyForLog(target: bigint): number {
  return Number(difficultyOfTarget(target).toPrecision(4));
}

/** An address as people write it: an IPv4 one without the prefix that a listener on `::` gives it. */
export function addressForLog(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

/** Says when a line is due again that peers can bring about. */
export class Seldom {
  #nextAt = Number.NEGATIVE_INFINITY;

  isDue(nowMs: number): boolean {
    if (nowMs < this.#nextAt) return false;
    this.#nextAt = nowMs + SELDOM_MS;
    return true;
  }
}
