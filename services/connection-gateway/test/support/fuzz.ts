// Frames that no client should send: random ones, and real ones with bytes changed, cut off, lengthened or given another header.
import { encodeFrame, FRAME_HEADER_SIZE } from '@sluice/sv2/frames';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { RequestExtensions } from '@sluice/sv2/messages/extensions/request-extensions';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesStandard } from '@sluice/sv2/messages/mining/submit-shares-standard';
import { UpdateChannel } from '@sluice/sv2/messages/mining/update-channel';
import { setupConnection } from './test-miner.ts';

/** A small generator with a seed, so that a failure can be run again. */
export function randomGenerator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const share = { channelId: 2, sequenceNumber: 1, jobId: 16, nonce: 1, ntime: 1_700_000_000, version: 0x20000000 };
const open = { requestId: 1, userIdentity: 'a.b', nominalHashRate: 1e12, maxTarget: new Uint8Array(32).fill(0xff) };
const real = [
  encodeFrame(SubmitSharesStandard, share),
  encodeFrame(SubmitSharesExtended, { ...share, extranonce: new Uint8Array(13) }),
  encodeFrame(OpenExtendedMiningChannel, { ...open, minExtranonceSize: 4 }),
  encodeFrame(UpdateChannel, { channelId: 2, nominalHashRate: 1e12, maximumTarget: open.maxTarget }),
  encodeFrame(CloseChannel, { channelId: 3, reasonCode: 'bye' }),
  encodeFrame(SetupConnection, setupConnection()),
  encodeFrame(RequestExtensions, { requestId: 1, requestedExtensions: [1, 2] }),
];

export function fuzzedFrame(random: () => number): Uint8Array {
  const below = (bound: number) => Math.floor(random() * bound);
  const bytes = (length: number) => Uint8Array.from({ length }, () => below(256));
  const base = real[below(real.length)] as Uint8Array;
  switch (below(6)) {
    case 0:
      return withLength(Uint8Array.of(...bytes(3), 0, 0, 0, ...bytes(below(200))));
    case 1: {
      const changed = Uint8Array.from(base);
      for (let change = below(4); change >= 0; change--)
        changed[FRAME_HEADER_SIZE + below(changed.length - FRAME_HEADER_SIZE)] = below(256);
      return changed;
    }
    case 2:
      return withLength(Uint8Array.from(base.subarray(0, FRAME_HEADER_SIZE + below(base.length - FRAME_HEADER_SIZE))));
    case 3:
      return withLength(Uint8Array.of(...base, ...bytes(below(100))));
    case 4: {
      const renamed = Uint8Array.from(base);
      renamed[2] = below(256);
      renamed[1] = below(2) === 0 ? 0 : 0x80;
      return renamed;
    }
    default:
      return base;
  }
}

/** Sets the length in the header to what there is. */
function withLength(frame: Uint8Array): Uint8Array {
  const length = frame.length - FRAME_HEADER_SIZE;
  frame[3] = length;
  frame[4] = length >>> 8;
  frame[5] = length >>> 16;
  return frame;
}
