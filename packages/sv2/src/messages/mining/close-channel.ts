import { STR0_255, U32 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const CloseChannel = message({
  name: 'CloseChannel',
  protocol: 'mining',
  type: 0x18,
  channelMsg: true,
  from: 'both',
  spec: '5.3.9',
  doc: 'Ends a channel, or all members of a group.',
  fields: {
    channelId: field(U32, 'The channel or group.'),
    reasonCode: field(STR0_255, 'Why; no control characters.'),
  },
});
export type CloseChannel = MessageOf<typeof CloseChannel>;
