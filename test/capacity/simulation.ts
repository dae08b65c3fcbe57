// A clock that jumps from event to event. Two events of the same time come in the order in which they were asked for, so that a run is the
// same each time.

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class Simulation {
  /** Seconds since the beginning. */
  now = 0;
  /** A binary heap: the parent of place n is at (n - 1) >> 1 and never later than it. */
  readonly #heap: Event[] = [];
  #asked = 0;

  /** @param seconds from now on, 0 or more */
  after(seconds: number, run: () => void): void {
    this.#asked += 1;
    this.#rise({ at: this.now + seconds, order: this.#asked, run });
  }

  /** Runs every event up to and at `end`, those that are asked for meanwhile included, and stands there. */
  runUntil(end: number): void {
    for (let next = this.#heap[0]; next !== undefined && next.at <= end; next = this.#heap[0]) {
      this.#takeFirst();
      this.now = next.at;
      next.run();
    }
    this.now = end;
  }

  #rise(event: Event): void {
    const heap = this.#heap;
    let place = heap.length;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above]!;
      if (isBefore(parent, event)) break;
      heap[place] = parent;
      place = above;
    }
    heap[place] = event;
  }

  #takeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below += 1;
      if (isBefore(last, heap[below]!)) break;
      heap[place] = heap[below]!;
      place = below;
    }
    heap[place] = last;
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
