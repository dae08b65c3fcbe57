// The two answers to shares as frames that are used again and again: what is written is sealed before the next call.
import { writeU32 } from '@sluice/sv2/bytes';
import { type ErrorCode, errorCodes } from '@sluice/sv2/error-codes';
import { submitSharesErrorFrameSize, writeSubmitSharesError } from '@sluice/sv2/fast/submit-shares-error';
import { SUBMIT_SHARES_SUCCESS_FRAME_SIZE, writeSubmitSharesSuccess } from '@sluice/sv2/fast/submit-shares-success';
import { FRAME_HEADER_SIZE } from '@sluice/sv2/frames';
import type { SocketWriter } from './socket-writer.ts';

type ShareErrorCode = ErrorCode<'SubmitShares.Error'>;

export class ShareAnswerFrames {
  readonly #counters: { acknowledgements: number };
  readonly #refused: Record<ShareErrorCode, number>;
  readonly #success = new Uint8Array(SUBMIT_SHARES_SUCCESS_FRAME_SIZE);
  readonly #errors: Readonly<Record<ShareErrorCode, Uint8Array>>;

  /** @param counters counts messages of SubmitShares.Success. @param refused those of SubmitShares.Error, by code. */
  constructor(counters: { acknowledgements: number }, refused: Record<ShareErrorCode, number>) {
    const codes = Object.keys(errorCodes['SubmitShares.Error']) as ShareErrorCode[];
    this.#counters = counters;
    this.#refused = refused;
    this.#errors = Object.fromEntries(codes.map((code) => [code, errorFrame(code)])) as Record<
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
    this.#refused[code] += 1;
    writer.write(frame);
  }
}

function errorFrame(code: ShareErrorCode): Uint8Array {
  const frame = new Uint8Array(submitSharesErrorFrameSize(code.length));
  writeSubmitSharesError(frame, 0, 0, 0, code);
  return frame;
}
