import { U32 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const ChannelEndpointChanged = message({
  name: 'ChannelEndpointChanged',
  protocol: 'common',
  type: 0x03,
  channelMsg: true,
  from: 'server',
  spec: '3.6.4',
  doc: 'Says that the far end of a channel is another device now, so that extension state on it starts anew.',
  fields: {
    channelId: field(U32, 'The channel that has another endpoint.'),
  },
});
export type ChannelEndpointChanged = MessageOf<typeof ChannelEndpointChanged>;
