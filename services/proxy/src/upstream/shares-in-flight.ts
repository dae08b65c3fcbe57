// Shares that were sent to an upstream and not answered, in the order in which they were sent. The upstream answers many at once, or one.
import type { ErrorCode } from '@sluice/sv2/error-codes';
import { type ProxyCounters, shareErrorCodes } from '../counters.ts';
import type { ShareOwner } from './upstream-work.ts';

/**
 * So long a miner waits for the upstream's word before it is told what the proxy found itself. Some pools acknowledge every tenth share and
 * never on time.
 */
export const ANSWER_MS = 1_000;
/** Of all miners on one channel. The oldest is counted as lost. */
export const IN_FLIGHT_BOUND = 65_536;
/** What a miner is told of a code that nobody here knows: the share does not count. */
const UNKNOWN: ErrorCode<'SubmitShares.Error'> = 'share-not-stored';

interface InFlight {
  readonly request: string;
  readonly sentAtMs: number;
  readonly owner: ShareOwner | undefined;
  isAnswered: boolean;
}

export class SharesInFlight {
  readonly #counters: ProxyCounters;
  readonly #bound: number;
  /** By sequence number. */
  readonly #shares = new Map<number, InFlight>();
  #lastSequence = 0;

  constructor(counters: ProxyCounters, bound = IN_FLIGHT_BOUND) {
    this.#counters = counters;
    this.#bound = bound;
  }

  get size(): number {
    return this.#shares.size;
  }

  /** When the oldest was sent; `undefined`: none is on its way. */
  get oldestMs(): number | undefined {
    for (const { sentAtMs } of this.#shares.values()) return sentAtMs;
    return undefined;
  }

  /** The sequence number to send it with. */
  add(owner: ShareOwner | undefined, request: string, nowMs: number): number {
    this.#lastSequence = (this.#lastSequence + 1) >>> 0;
    this.#shares.set(this.#lastSequence, { request, sentAtMs: nowMs, owner, isAnswered: false });
    this.#counters.sharesForwarded += 1;
    if (this.#shares.size > this.#bound) {
      for (const [oldest, share] of this.#shares) {
        this.#lose(oldest, share);
        break;
      }
    }
    return this.#lastSequence;
  }

  /** SubmitShares.Success: every share up to this one that was not refused is accepted. */
  accepted(lastSequence: number): void {
    for (const [sequence, { owner, request, isAnswered }] of this.#shares) {
      // Numbers start again after 2^32.
      if (((lastSequence - sequence) | 0) < 0) break;
      this.#shares.delete(sequence);
      this.#counters.upstreamAccepted += 1;
      if (!isAnswered) owner?.answered(request, '');
    }
  }

  /** The answer of Stratum V1: this one is accepted, and no other. */
  acceptedOne(sequence: number): void {
    const share = this.#shares.get(sequence);
    if (share === undefined) return;
    this.#shares.delete(sequence);
    this.#counters.upstreamAccepted += 1;
    if (!share.isAnswered) share.owner?.answered(share.request, '');
  }

  /** SubmitShares.Error. `code` is the upstream's, and may be any text. */
  refused(sequence: number, code: string): void {
    const share = this.#shares.get(sequence);
    if (share === undefined) return;
    this.#shares.delete(sequence);
    const known = shareErrorCodes.find((one) => one === code) ?? UNKNOWN;
    this.#counters.upstreamRefused[known] += 1;
    if (share.isAnswered) share.owner?.refusedLate(known);
    else share.owner?.answered(share.request, known);
  }

  /** Has those that waited long enough answered; they stay until the upstream has its say. */
  answerOverdue(nowMs: number): void {
    for (const share of this.#shares.values()) {
      if (nowMs - share.sentAtMs < ANSWER_MS) break;
      if (share.isAnswered) continue;
      share.isAnswered = true;
      share.owner?.answered(share.request, '');
    }
  }

  /** The connection has ended: what became of them nobody will say. They are never sent again, so that none counts twice. */
  lose(): void {
    for (const [sequence, share] of this.#shares) this.#lose(sequence, share);
  }

  #lose(sequence: number, { owner, request, isAnswered }: InFlight): void {
    this.#shares.delete(sequence);
    this.#counters.upstreamUnanswered += 1;
    if (!isAnswered) owner?.answered(request, UNKNOWN);
  }
}
