// The answers to one channel's shares. SubmitShares.Success speaks of all shares up to a number [sv2 5.3.13], while the farm answers in any
// order: an accepted share waits for those before it, a refused one does not.
import type { ShareTarget } from '@sluice/mining/share-target';
import { WorkSum } from '@sluice/mining/work-sum';
import type { SocketWriter } from '@sluice/server/socket-writer';
import type { ErrorCode } from '@sluice/sv2/error-codes';
import { submitSharesErrorFrameSize, writeSubmitSharesError } from '@sluice/sv2/fast/submit-shares-error';
import { SUBMIT_SHARES_SUCCESS_FRAME_SIZE, writeSubmitSharesSuccess } from '@sluice/sv2/fast/submit-shares-success';
import type { ShareAnswer } from '../miners/miner.ts';
import type { Sv2Counters } from './counters.ts';

/** Written and sealed before the next call. */
const successFrame = new Uint8Array(SUBMIT_SHARES_SUCCESS_FRAME_SIZE);

interface WaitingShare {
  readonly sequenceNumber: number;
  readonly target: ShareTarget;
  isAccepted: boolean;
}

export class ShareAnswers {
  readonly #writer: SocketWriter;
  readonly #channelId: number;
  readonly #counters: Sv2Counters;
  /** By request, in the order in which they came: a miner may use a sequence number twice. */
  readonly #waiting = new Map<string, WaitingShare>();
  readonly #work = new WorkSum();
  #lastRequest = 0;

  constructor(writer: SocketWriter, channelId: number, counters: Sv2Counters) {
    this.#writer = writer;
    this.#channelId = channelId;
    this.#counters = counters;
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
      refuseShare(this.#writer, this.#channelId, share.sequenceNumber, answer, this.#counters);
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
    if (count === 0) return;
    writeSubmitSharesSuccess(successFrame, 0, this.#channelId, lastSequenceNumber, count, this.#work.take());
    this.#counters.acknowledgements += 1;
    this.#writer.write(successFrame);
  }
}

/** SubmitShares.Error [sv2 5.3.14], also for a channel that is not there. */
export function refuseShare(
  writer: SocketWriter,
  channelId: number,
  sequenceNumber: number,
  code: ErrorCode<'SubmitShares.Error'>,
  counters: Sv2Counters,
): void {
  const frame = new Uint8Array(submitSharesErrorFrameSize(code.length));
  writeSubmitSharesError(frame, 0, channelId, sequenceNumber, code);
  counters.shareErrors[code] += 1;
  writer.write(frame);
}
