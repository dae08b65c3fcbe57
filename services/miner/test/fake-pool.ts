// A pool at the other end of an in-memory stream.
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import type { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { OpenStandardMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-standard-mining-channel-success';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { FakeServer } from '../../../packages/client/test/support/fake-server.ts';

export const GROUP = 1;
export const MIN_NTIME = 1_700_000_000;
export const filled = (byte: number, length = 32) => new Uint8Array(length).fill(byte);
/** One hash in sixteen is a share. */
export const EASY_TARGET = Uint8Array.from({ length: 32 }, (_, index) => (index === 31 ? 0x0f : 0xff));

export class FakePool extends FakeServer {
  #channels = 1;

  /** Opens every channel that is asked for, and calls `then` with its id. */
  serveChannels(then: (channelId: number) => void, target = EASY_TARGET): void {
    const nextChannel = () => ++this.#channels;
    this.on(OpenStandardMiningChannel, ({ requestId }) => {
      const channelId = nextChannel();
      const extranoncePrefix = filled(channelId, 20);
      this.send(OpenStandardMiningChannelSuccess, {
        ...{ requestId, channelId, target, extranoncePrefix, groupChannelId: GROUP },
      });
      then(channelId);
    });
    this.on(OpenExtendedMiningChannel, ({ requestId }) => {
      const channelId = nextChannel();
      const extranoncePrefix = filled(channelId, 8);
      this.send(OpenExtendedMiningChannelSuccess, {
        ...{ requestId, channelId, target, extranoncePrefix, extranonceSize: 12, groupChannelId: GROUP },
      });
      then(channelId);
    });
  }
}

export const extendedJob = (channelId: number, jobId: number, minNtime?: number): NewExtendedMiningJob => ({
  ...{ channelId, jobId, minNtime, version: 0x2000_0000, versionRollingAllowed: true },
  merklePath: [filled(0xaa), filled(0xbb)],
  coinbaseTxPrefix: filled(0x11, 50),
  coinbaseTxSuffix: filled(0x22, 40),
});

export const standardJob = (channelId: number, jobId: number, minNtime?: number): NewMiningJob => ({
  ...{ channelId, jobId, minNtime, version: 0x2000_0000, merkleRoot: filled(jobId) },
});

export const newTip = (channelId: number, jobId: number, prevHash = filled(0x77)): SetNewPrevHash => ({
  ...{ channelId, jobId, prevHash, minNtime: MIN_NTIME, nbits: 0x1d00ffff },
});

/** A future job and the tip that brings it into force. */
export function startWork(pool: FakePool, channelId: number, jobId: number): void {
  pool.send(NewExtendedMiningJob, extendedJob(channelId, jobId));
  pool.send(SetNewPrevHash, newTip(channelId, jobId));
}
