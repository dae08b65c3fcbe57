// The two answers to shares as frames that are used again and again: what is written is sealed before the next call.

import type { SocketWriter } from '@sluice/server/socket-writer';
import { writeU32 } from '@sluice/sv2/bytes';
import { submitSharesErrorFrameSize, writeSubmitSharesError } from '@sluice/sv2/fast/submit-shares-error';
import { SUBMIT_SHARES_SUCCESS_FRAME_SIZE, writeSubmitSharesSuccess } from '@sluice/sv2/fast/submit-shares-success';
import { FRAME_HEADER_SIZE } from '@sluice/sv2/frames';
import { type GatewayCounters, type ShareErrorCode, shareErrorCodes } from './counters.ts';

export class ShareAnswers {
  readonly #counters: GatewayCounters;
  readonly #success = new Uint8Array(SUBMIT_SHARES_SUCCESS_FRAME_SIZE);
  readonly #errors: Readonly<Record<ShareErrorCode, Uint8Array>>;

  constructor(counters: GatewayCounters) {
    this.#counters = counters;
    this.#errors = Object.fromEntries(shareErrorCodes.map((code) => [code, errorFrame(code)])) as Record<
      ShareErrorCode,
      Uint8Array
    >;
  }

  /** SubmitShares.Success [sv2 5.3.13]; `difficulties` is the sum for new_shares_sum. */
  success(
    writer: SocketWriter,
    channelId: number,
    lastSequenceNumber: number,
    count: number,
    difficulties: bigint,
  ): void {
    writeSubmitSharesSuccess(this.#success, 0, channelId, lastSequenceNumber, count, difficulties);
    this.#counters.acknowledgements += 1;
    writer.write(this.#success);
  }

  /** SubmitShares.Error [sv2 5.3.14]. */
  error(writer: SocketWriter, channelId: number, sequenceNumber: number, code: ShareErrorCode): void {
    const frame = this.#errors[code];
    writeU32(frame, FRAME_HEADER_SIZE, channelId);
    writeU32(frame, FRAME_HEADER_SIZE + 4, sequenceNumber);
    this.#counters.sharesRefused[code] += 1;
    writer.write(frame);
  }
}

function errorFrame(code: ShareErrorCode): Uint8Array {
  const frame = new Uint8Array(submitSharesErrorFrameSize(code.length));
  writeSubmitSharesError(frame, 0, 0, 0, code);
  return frame;
}
