// When each share was sent that waits for its answer: a ring by sequence number, which grows only if a pool stops answering.

const FIRST_CAPACITY = 32;
const ANSWERED = -1;

export class InFlight {
  #sentAt = new Float64Array(FIRST_CAPACITY);
  /** The oldest that may wait. */
  #oldest = 1;
  #last = 0;
  waiting = 0;

  get lastSequence(): number {
    return this.#last;
  }

  /** The sequence number of a share that is sent now. */
  send(now: number): number {
    this.#last += 1;
    if (this.#last - this.#oldest >= this.#sentAt.length) this.#grow();
    this.#sentAt[this.#last & (this.#sentAt.length - 1)] = now;
    this.waiting += 1;
    return this.#last;
  }

  /** Everything up to `sequence` that waits was accepted: calls `onAnswer` for each; returns how many there were. */
  acceptedUpTo(sequence: number, onAnswer: (sentAt: number) => void): number {
    const last = Math.min(sequence, this.#last);
    let taken = 0;
    for (; this.#oldest <= last; this.#oldest++) {
      const sentAt = this.#sentAt[this.#oldest & (this.#sentAt.length - 1)]!;
      if (sentAt === ANSWERED) continue;
      taken += 1;
      onAnswer(sentAt);
    }
    this.waiting -= taken;
    return taken;
  }

  /** One share was answered: when it was sent; NaN: no such share waits. */
  answered(sequence: number): number {
    if (sequence < this.#oldest || sequence > this.#last) return Number.NaN;
    const place = sequence & (this.#sentAt.length - 1);
    const sentAt = this.#sentAt[place]!;
    if (sentAt === ANSWERED) return Number.NaN;
    this.#sentAt[place] = ANSWERED;
    while (this.#oldest <= this.#last && this.#sentAt[this.#oldest & (this.#sentAt.length - 1)] === ANSWERED)
      this.#oldest += 1;
    this.waiting -= 1;
    return sentAt;
  }

  #grow(): void {
    const old = this.#sentAt;
    this.#sentAt = new Float64Array(old.length * 2);
    for (let sequence = this.#oldest; sequence < this.#last; sequence++)
      this.#sentAt[sequence & (this.#sentAt.length - 1)] = old[sequence & (old.length - 1)]!;
  }
}
