// Frames that announce 16 MB, of a message that the gateway takes and of one that nobody knows, and whose payload comes as fast as it is read.
import { FRAME_HEADER_SIZE } from '@sluice/sv2/frames';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { type Attack, ended } from '../attack.ts';

const LONGEST = 0xff_ffff;
const UNKNOWN_TYPE = 0xee;
/** Of the payload. */
const SENT_BYTES = 1_048_576;

export const hugeFrames: Attack = (attacker) =>
  attacker.keep(attacker.plan.connections, async (index) => {
    const miner = await attacker.shakeHands(attacker.plan.address);
    if (miner === undefined) return;
    await miner.setup();
    const frame = new Uint8Array(FRAME_HEADER_SIZE + SENT_BYTES);
    frame[2] = index % 2 === 0 ? OpenStandardMiningChannel.type : UNKNOWN_TYPE;
    for (let byte = 0; byte < 3; byte++) frame[3 + byte] = (LONGEST >>> (8 * byte)) & 0xff;
    miner.sendFrame(frame);
    attacker.saw('sent');
    await ended(miner.socket);
  });
