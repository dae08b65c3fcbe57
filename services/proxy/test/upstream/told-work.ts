// Messages of an upstream, for the tests of this folder.
import { buildCoinbase, encodeHeightPush } from '@sluice/bitcoin/coinbase';
import { targetToBytes } from '@sluice/bitcoin/target';
import type { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import type { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import type { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';

export const CHANNEL = 7;
export const GROUP = 1;
export const PREFIX = Uint8Array.of(9, 8, 7);
export const EXTRANONCE_SIZE = 10;
/** A block takes 2^32 hashes. */
export const HARD_NBITS = 0x1d00_ffff;
export const TIME = 1_700_000_000;

const { prefix: coinbaseTxPrefix, suffix: coinbaseTxSuffix } = buildCoinbase({
  ...{ version: 2, coinbasePrefix: encodeHeightPush(840_000), tag: Buffer.from('told') },
  ...{ extranonceSize: PREFIX.length + EXTRANONCE_SIZE, sequence: 0xffff_fffe, locktime: 839_999 },
  outputs: [{ value: 312_500_000n, script: Uint8Array.of(0x51) }],
});

export function opened(changes: Partial<OpenExtendedMiningChannelSuccess> = {}): OpenExtendedMiningChannelSuccess {
  return {
    ...{ requestId: 1, channelId: CHANNEL, groupChannelId: GROUP },
    ...{ extranoncePrefix: PREFIX, extranonceSize: EXTRANONCE_SIZE, target: targetToBytes(1n << 250n) },
    ...changes,
  };
}

/** A future job of a coinbase alone. */
export function newJob(jobId: number, changes: Partial<NewExtendedMiningJob> = {}): NewExtendedMiningJob {
  return {
    ...{ channelId: CHANNEL, jobId, minNtime: undefined, version: 0x2000_0000, versionRollingAllowed: true },
    ...{ merklePath: [], coinbaseTxPrefix, coinbaseTxSuffix },
    ...changes,
  };
}

export function newTip(jobId: number, block: number, changes: Partial<SetNewPrevHash> = {}): SetNewPrevHash {
  const prevHash = new Uint8Array(32).fill(block);
  return { channelId: CHANNEL, jobId, prevHash, minNtime: TIME, nbits: HARD_NBITS, ...changes };
}
