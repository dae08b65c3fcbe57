// Frames that announce 16 MB, of a message that the gateway takes and of one that nobody knows, and whose payload comes as fast as it is read.
import { FRAME_HEADER_SIZE, writeFrameHeader } from '@sluice/sv2/frames';
import { MAX_PAYLOAD } from '@sluice/sv2/message';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { type Attack, ended } from '../attack.ts';

const UNKNOWN = { extensionType: 0, channelMsg: false, type: 0xee };
/** Of the payload. */
const SENT_BYTES = 1_048_576;

export const hugeFrames: Attack = (attacker) =>
  attacker.keep(attacker.plan.connections, async (index) => {
    const miner = await attacker.shakeHands(attacker.plan.address);
    if (miner === undefined) return;
    await miner.setup();
    const frame = new Uint8Array(FRAME_HEADER_SIZE + SENT_BYTES);
    writeFrameHeader(frame, 0, index % 2 === 0 ? OpenStandardMiningChannel : UNKNOWN, MAX_PAYLOAD);
    miner.sendFrame(frame);
    attacker.saw('sent');
    await ended(miner.socket);
  });
