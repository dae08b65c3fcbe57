// Whose turn it is to be read among the connections of one address, and among those that shake hands. An event loop hands over all that has come on
// all sockets before anything else happens: without turns, those who connect often and send much would have everybody else wait until the last
// of it was handled.
import { PerAddress } from './per-address.ts';
import { RateLimit } from './rate-limit.ts';

/** Messages of an address in one turn; then the others come, whatever it still has. */
const TURN_MESSAGES = 2_048;
/** Of all addresses; they take as long. */
const TURN_HANDSHAKES = 4;

/** A connection that waits. */
export interface Reader {
  /** May be read again; what has come is handled before this returns, unless the turn is over again. */
  readOn(): void;
}

export class ReadTurns {
  readonly #bound: number;
  readonly #rate: RateLimit;
  /** Connections that are read in these turns. */
  #readers = 0;
  /** In the order in which they began to wait. */
  readonly #waiting = new Set<Reader>();
  /** Since the turn before was over, however long ago: what time may tell of the event loop, it does not tell while messages take long. */
  #taken = 0;
  #isOver = false;
  #owes = false;
  readonly #onNext = () => this.#next();

  /** @param bound of one turn. @param ratePerSecond beyond it nobody has a turn for a while. */
  constructor(bound: number, ratePerSecond: number, nowMs: number) {
    this.#bound = bound;
    this.#rate = new RateLimit(ratePerSecond, nowMs);
  }

  isAsNew(nowMs: number): boolean {
    return this.#readers === 0 && this.#rate.isAsNew(nowMs);
  }

  /** Whether nobody may be read now; whoever has something waits. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether that is because of the rate. */
  get owes(): boolean {
    return this.#owes;
  }

  /** Counts what was handled. */
  take(count: number, nowMs: number): void {
    this.#taken += count;
    const owedMs = this.#rate.take(count, nowMs);
    if (this.#isOver) return;
    this.#owes = owedMs > 0;
    this.#isOver = this.#owes || this.#taken >= this.#bound;
    if (this.#owes) setTimeout(this.#onNext, owedMs).unref();
    else if (this.#isOver) setImmediate(this.#onNext);
  }

  /** One more is read in these turns, until it leaves. */
  join(): void {
    this.#readers += 1;
  }

  /** Has it read on behind those that wait already. */
  wait(reader: Reader): void {
    this.#waiting.add(reader);
  }

  /** It joined before, and waits no more. */
  leave(reader: Reader): void {
    this.#readers -= 1;
    this.#waiting.delete(reader);
  }

  #next(): void {
    this.#isOver = false;
    this.#owes = false;
    this.#taken = 0;
    for (const reader of this.#waiting) {
      this.#waiting.delete(reader);
      reader.readOn();
      if (this.#isOver) return;
    }
  }
}

/** Of each address. */
export const addressTurns = (messagesPerSecond: number) =>
  new PerAddress((nowMs) => new ReadTurns(TURN_MESSAGES, messagesPerSecond, nowMs));

/** Of all connections that shake hands; how many there may be in a second is for the listener to say. */
export const handshakeTurns = (nowMs: number) => new ReadTurns(TURN_HANDSHAKES, Number.POSITIVE_INFINITY, nowMs);
