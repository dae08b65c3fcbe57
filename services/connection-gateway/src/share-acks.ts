// Step 4 of the share's way, kept while step 3 runs: what each channel of a batch is told once the stream has the batch. Parallel
// arrays that are used again, because a pipelining miner passes here with every share; work is multiplied once a batch.
import type { ShareTarget } from '@sluice/mining/share-target';

/** A channel as its acknowledgements need it. */
export interface AcknowledgedChannel {
  /** `work` is the exact sum over `count` shares, the last of which the miner numbered `lastSequenceNumber`. */
  acknowledge(lastSequenceNumber: number, count: number, work: bigint): void;
}

export class ShareAcks {
  readonly #channels: AcknowledgedChannel[] = [];
  readonly #lastSequenceNumbers: number[] = [];
  readonly #counts: number[] = [];
  /** Work of the shares before those that `#targets` and `#countsOfTarget` stand for. */
  readonly #works: bigint[] = [];
  readonly #targets: ShareTarget[] = [];
  readonly #countsOfTarget: number[] = [];

  /** Opens an entry for a channel and returns its index. */
  open(channel: AcknowledgedChannel, target: ShareTarget): number {
    this.#lastSequenceNumbers.push(0);
    this.#counts.push(0);
    this.#works.push(0n);
    this.#targets.push(target);
    this.#countsOfTarget.push(0);
    return this.#channels.push(channel) - 1;
  }

  /** Adds one accepted share to an entry. */
  add(index: number, sequenceNumber: number, target: ShareTarget): void {
    if (this.#targets[index] !== target) {
      this.#works[index] = this.#work(index);
      this.#targets[index] = target;
      this.#countsOfTarget[index] = 0;
    }
    this.#lastSequenceNumbers[index] = sequenceNumber;
    this.#counts[index]! += 1;
    this.#countsOfTarget[index]! += 1;
  }

  /** Answers every channel of the batch, and is empty afterwards. */
  deliver(): void {
    for (let index = 0; index < this.#channels.length; index++) {
      const count = this.#counts[index]!;
      // An entry without shares: the batch was full when the channel came to it.
      if (count === 0) continue;
      this.#channels[index]!.acknowledge(this.#lastSequenceNumbers[index]!, count, this.#work(index));
    }
    this.#channels.length = 0;
    this.#lastSequenceNumbers.length = 0;
    this.#counts.length = 0;
    this.#works.length = 0;
    this.#targets.length = 0;
    this.#countsOfTarget.length = 0;
  }

  #work(index: number): bigint {
    return this.#works[index]! + BigInt(this.#countsOfTarget[index]!) * this.#targets[index]!.work;
  }
}
