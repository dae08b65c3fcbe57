import { F32, STR0_255, U16, U32, U256 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const OpenExtendedMiningChannel = message({
  name: 'OpenExtendedMiningChannel',
  protocol: 'mining',
  type: 0x13,
  channelMsg: false,
  from: 'client',
  spec: '5.3.4',
  doc: 'Asks for an extended channel: the client rolls a part of the extranonce and folds the merkle root itself.',
  fields: {
    requestId: field(U32, 'Chosen by the client, unique on the connection, echoed in the answer.'),
    userIdentity: field(STR0_255, 'Account and worker; any bytes, UTF-8 recommended.'),
    nominalHashRate: field(
      F32,
      'Expected hashes per second, all devices behind the channel added up; 0 while a proxy has none. NaN, infinite or negative is a protocol error.',
    ),
    maxTarget: field(U256, 'Easiest target that the device can work with.'),
    minExtranonceSize: field(U16, 'Fewest bytes of extranonce that the client needs for itself.'),
  },
});
export type OpenExtendedMiningChannel = MessageOf<typeof OpenExtendedMiningChannel>;
