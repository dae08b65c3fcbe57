// Jobs of the farm as frames. An extended job is encoded once for all channels, and only its channel id changes from one to the next; what
// is written is sealed before the next call, so every frame here is used again and again.
import type { Sha256dBackend } from '@sluice/bitcoin/sha256d';
import type { SocketWriter } from '@sluice/server/socket-writer';
import { writeU32 } from '@sluice/sv2/bytes';
import { NEW_MINING_JOB_MAX_FRAME_SIZE, writeNewMiningJob } from '@sluice/sv2/fast/new-mining-job';
import { SET_NEW_PREV_HASH_FRAME_SIZE, writeSetNewPrevHash } from '@sluice/sv2/fast/set-new-prev-hash';
import { encodeFrame, FRAME_HEADER_SIZE } from '@sluice/sv2/frames';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import type { FarmJob } from '../miners/miner.ts';
import type { Sv2Counters } from './counters.ts';

interface ExtendedFrames {
  future: Uint8Array | undefined;
  active: Uint8Array | undefined;
}

/** One for all connections. */
export class JobFrames {
  readonly #sha256d: Sha256dBackend;
  readonly #counters: Sv2Counters;
  readonly #extended = new WeakMap<FarmJob, ExtendedFrames>();
  readonly #standard = new Uint8Array(NEW_MINING_JOB_MAX_FRAME_SIZE);
  readonly #prevHash = new Uint8Array(SET_NEW_PREV_HASH_FRAME_SIZE);

  constructor(sha256d: Sha256dBackend, counters: Sv2Counters) {
    this.#sha256d = sha256d;
    this.#counters = counters;
  }

  /** NewExtendedMiningJob [sv2 5.3.16]. @param future the next message is the tip that activates it. */
  extended(writer: SocketWriter, channelId: number, job: FarmJob, future: boolean): void {
    const frame = this.#extendedFrame(job, future);
    writeU32(frame, FRAME_HEADER_SIZE, channelId);
    this.#write(writer, frame);
  }

  /** NewMiningJob [sv2 5.3.15]. @param extranonce the whole one of the channel. @param future the next message is the tip that activates it. */
  standard(writer: SocketWriter, channelId: number, job: FarmJob, extranonce: Uint8Array, future: boolean): void {
    const root = this.#sha256d.sha256d(Buffer.concat([job.coinbasePrefix, extranonce, job.coinbaseSuffix]));
    this.#sha256d.foldMerkle(root, job.merklePath, root);
    const minNtime = future ? undefined : job.ntime;
    const end = writeNewMiningJob(this.#standard, 0, channelId, job.id, minNtime, job.version, root);
    this.#write(writer, this.#standard.subarray(0, end));
  }

  /** SetNewPrevHash [sv2 5.3.17] for a future job that was written to the channel. */
  tip(writer: SocketWriter, channelId: number, { id, prevHash, ntime, nbits }: FarmJob): void {
    writeSetNewPrevHash(this.#prevHash, 0, channelId, id, prevHash, ntime, nbits);
    this.#write(writer, this.#prevHash);
  }

  #write(writer: SocketWriter, frame: Uint8Array): void {
    this.#counters.jobFrames += 1;
    writer.write(frame);
  }

  #extendedFrame(job: FarmJob, future: boolean): Uint8Array {
    let frames = this.#extended.get(job);
    if (frames === undefined) {
      frames = { future: undefined, active: undefined };
      this.#extended.set(job, frames);
    }
    if (future) {
      frames.future ??= encodeJob(job, undefined);
      return frames.future;
    }
    frames.active ??= encodeJob(job, job.ntime);
    return frames.active;
  }
}

function encodeJob(job: FarmJob, minNtime: number | undefined): Uint8Array {
  return encodeFrame(NewExtendedMiningJob, {
    channelId: 0,
    jobId: job.id,
    minNtime,
    version: job.version,
    versionRollingAllowed: job.versionMask !== 0,
    merklePath: [...job.merklePath],
    coinbaseTxPrefix: job.coinbasePrefix,
    coinbaseTxSuffix: job.coinbaseSuffix,
  });
}
