import { STR0_255, U32 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const UpdateChannelError = message({
  name: 'UpdateChannel.Error',
  protocol: 'mining',
  type: 0x17,
  channelMsg: true,
  from: 'server',
  spec: '5.3.8',
  doc: 'Refuses an UpdateChannel.',
  fields: {
    channelId: field(U32, 'The channel.'),
    errorCode: field(STR0_255, 'Why, see error-codes.ts; no control characters.'),
  },
});
export type UpdateChannelError = MessageOf<typeof UpdateChannelError>;
