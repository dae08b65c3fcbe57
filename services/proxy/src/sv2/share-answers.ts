// The answers to one channel's shares. SubmitShares.Success speaks of all shares up to a number [sv2 5.3.13], while the farm answers in any
// order: an accepted share waits for those before it, a refused one does not.
import type { ShareTarget } from '@sluice/mining/share-target';
import { WorkSum } from '@sluice/mining/work-sum';
import type { ShareAnswerFrames } from '@sluice/server/share-answer-frames';
import type { SocketWriter } from '@sluice/server/socket-writer';
import type { ShareAnswer } from '../miners/miner.ts';

interface WaitingShare {
  readonly sequenceNumber: number;
  readonly target: ShareTarget;
  isAccepted: boolean;
}

export class ShareAnswers {
  readonly #writer: SocketWriter;
  readonly #channelId: number;
  readonly #frames: ShareAnswerFrames;
  /** By request, in the order in which they came: a miner may use a sequence number twice. */
  readonly #waiting = new Map<string, WaitingShare>();
  readonly #work = new WorkSum();
  #lastRequest = 0;

  constructor(writer: SocketWriter, channelId: number, frames: ShareAnswerFrames) {
    this.#writer = writer;
    this.#channelId = channelId;
    this.#frames = frames;
  }

  /** Shares whose answers have not left. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Keeps the place of an answer. @param target that the share has to meet. Returns the request to answer it by. */
  expect(sequenceNumber: number, target: ShareTarget): string {
    this.#lastRequest += 1;
    const request = String(this.#lastRequest);
    this.#waiting.set(request, { sequenceNumber, target, isAccepted: false });
    return request;
  }

  /** An answer that has come; another one for the same request does nothing. */
  settle(request: string, answer: ShareAnswer): void {
    const share = this.#waiting.get(request);
    if (share === undefined) return;
    if (answer === '') share.isAccepted = true;
    else {
      this.#waiting.delete(request);
      this.#frames.error(this.#writer, this.#channelId, share.sequenceNumber, answer);
    }
    this.#acknowledge();
  }

  #acknowledge(): void {
    let count = 0;
    let lastSequenceNumber = 0;
    for (const [request, { sequenceNumber, target, isAccepted }] of this.#waiting) {
      if (!isAccepted) break;
      this.#waiting.delete(request);
      this.#work.add(target.work);
      lastSequenceNumber = sequenceNumber;
      count += 1;
    }
    if (count > 0) this.#frames.success(this.#writer, this.#channelId, lastSequenceNumber, count, this.#work.take());
  }
}
