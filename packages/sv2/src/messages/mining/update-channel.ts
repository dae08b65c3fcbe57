import { F32, U32, U256 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const UpdateChannel = message({
  name: 'UpdateChannel',
  protocol: 'mining',
  type: 0x16,
  channelMsg: true,
  from: 'client',
  spec: '5.3.7',
  doc: 'Tells that the hash rate behind a channel, or the target that it can work with, has changed. Has no answer when accepted.',
  fields: {
    channelId: field(U32, 'The channel.'),
    nominalHashRate: field(
      F32,
      'Expected hashes per second, all devices behind the channel added up; 0 while a proxy has none. NaN, infinite or negative is a protocol error.',
    ),
    maximumTarget: field(U256, 'Easiest target asked for; the server follows when it is harder than the one in use.'),
  },
});
export type UpdateChannel = MessageOf<typeof UpdateChannel>;
