// Jobs and tips as frames. An extended job is encoded once and only its channel id changes from one receiver to the next; what is
// written is sealed before the next call, so every frame here is used again and again.
import type { ExtendedJob, Tip } from '@sluice/mining/job';
import type { SocketWriter } from '@sluice/server/socket-writer';
import { writeU32 } from '@sluice/sv2/bytes';
import { NEW_MINING_JOB_MAX_FRAME_SIZE, writeNewMiningJob } from '@sluice/sv2/fast/new-mining-job';
import { SET_NEW_PREV_HASH_FRAME_SIZE, writeSetNewPrevHash } from '@sluice/sv2/fast/set-new-prev-hash';
import { encodeFrame, FRAME_HEADER_SIZE } from '@sluice/sv2/frames';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import type { GatewayCounters } from './counters.ts';

/** Where fields stand in a NewExtendedMiningJob frame [sv2 5.3.16]. */
const CHANNEL_ID = FRAME_HEADER_SIZE;
const JOB_ID = CHANNEL_ID + 4;
/** Behind the job id and the byte that says that there is one. */
const MIN_NTIME = JOB_ID + 5;
/** Length of a frame of NewMiningJob without min_ntime. */
const FUTURE_STANDARD_SIZE = NEW_MINING_JOB_MAX_FRAME_SIZE - 4;

interface ExtendedFrames {
  future: Uint8Array | undefined;
  active: Uint8Array | undefined;
}

export class JobWriter {
  readonly #counters: GatewayCounters;
  readonly #extended = new WeakMap<ExtendedJob, ExtendedFrames>();
  readonly #futureStandard = new Uint8Array(FUTURE_STANDARD_SIZE);
  readonly #activeStandard = new Uint8Array(NEW_MINING_JOB_MAX_FRAME_SIZE);
  readonly #prevHash = new Uint8Array(SET_NEW_PREV_HASH_FRAME_SIZE);

  constructor(counters: GatewayCounters) {
    this.#counters = counters;
  }

  /** NewExtendedMiningJob to an extended channel or a group; without `minNtime` as a future job. */
  extendedJob(
    writer: SocketWriter,
    channelId: number,
    job: ExtendedJob,
    jobId: number,
    minNtime: number | undefined,
  ): void {
    const frame = this.#extendedFrame(job, minNtime);
    writeU32(frame, CHANNEL_ID, channelId);
    writeU32(frame, JOB_ID, jobId);
    if (minNtime !== undefined) writeU32(frame, MIN_NTIME, minNtime);
    this.#counters.jobFrames += 1;
    writer.write(frame);
  }

  /** NewMiningJob to a standard channel; without `minNtime` as a future job. */
  standardJob(
    writer: SocketWriter,
    channelId: number,
    job: ExtendedJob,
    jobId: number,
    minNtime: number | undefined,
    merkleRoot: Uint8Array,
  ): void {
    const frame = minNtime === undefined ? this.#futureStandard : this.#activeStandard;
    writeNewMiningJob(frame, 0, channelId, jobId, minNtime, job.version, merkleRoot);
    this.#counters.jobFrames += 1;
    writer.write(frame);
  }

  /** SetNewPrevHash to a channel or a group, naming a future job that was written there. */
  tip(writer: SocketWriter, channelId: number, jobId: number, tip: Tip): void {
    writeSetNewPrevHash(this.#prevHash, 0, channelId, jobId, tip.prevHash, tip.minNtime, tip.nbits);
    this.#counters.jobFrames += 1;
    writer.write(this.#prevHash);
  }

  #extendedFrame(job: ExtendedJob, minNtime: number | undefined): Uint8Array {
    let frames = this.#extended.get(job);
    if (frames === undefined) {
      frames = { future: undefined, active: undefined };
      this.#extended.set(job, frames);
    }
    if (minNtime === undefined) {
      frames.future ??= encodeExtendedJob(job, undefined);
      return frames.future;
    }
    frames.active ??= encodeExtendedJob(job, minNtime);
    return frames.active;
  }
}

function encodeExtendedJob(job: ExtendedJob, minNtime: number | undefined): Uint8Array {
  return encodeFrame(NewExtendedMiningJob, {
    channelId: 0,
    jobId: job.jobId,
    minNtime,
    version: job.version,
    versionRollingAllowed: job.versionRollingAllowed,
    merklePath: [...job.merklePath],
    coinbaseTxPrefix: job.coinbasePrefix,
    coinbaseTxSuffix: job.coinbaseSuffix,
  });
}
