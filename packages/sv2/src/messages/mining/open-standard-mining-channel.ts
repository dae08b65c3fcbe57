import { F32, STR0_255, U32, U256 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const OpenStandardMiningChannel = message({
  name: 'OpenStandardMiningChannel',
  protocol: 'mining',
  type: 0x10,
  channelMsg: false,
  from: 'client',
  spec: '5.3.2',
  doc: 'Asks for a standard channel: the server fixes the merkle root, the device rolls version, nonce and ntime.',
  fields: {
    requestId: field(U32, 'Chosen by the client, unique on the connection, echoed in the answer.'),
    userIdentity: field(STR0_255, 'Account and worker; any bytes, UTF-8 recommended.'),
    nominalHashRate: field(
      F32,
      'Expected hashes per second, all devices behind the channel added up; 0 while a proxy has none. NaN, infinite or negative is a protocol error.',
    ),
    maxTarget: field(U256, 'Easiest target that the device can work with.'),
  },
});
export type OpenStandardMiningChannel = MessageOf<typeof OpenStandardMiningChannel>;
