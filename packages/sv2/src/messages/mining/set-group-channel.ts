import { SEQ0_64K, U32 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const SetGroupChannel = message({
  name: 'SetGroupChannel',
  protocol: 'mining',
  type: 0x25,
  channelMsg: false,
  from: 'server',
  spec: '5.3.22',
  doc: 'Moves channels into a group.',
  fields: {
    groupChannelId: field(U32, 'The group.'),
    channelIds: field(SEQ0_64K(U32), 'Channels that are members from now on.'),
  },
});
export type SetGroupChannel = MessageOf<typeof SetGroupChannel>;
