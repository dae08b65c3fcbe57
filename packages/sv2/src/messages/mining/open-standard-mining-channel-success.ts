import { B0_32, U32, U256 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const OpenStandardMiningChannelSuccess = message({
  name: 'OpenStandardMiningChannel.Success',
  protocol: 'mining',
  type: 0x11,
  channelMsg: false,
  from: 'server',
  spec: '5.3.3',
  doc: 'Opens a standard channel.',
  fields: {
    requestId: field(U32, 'The request that this answers.'),
    channelId: field(U32, 'Identifier of the new channel for the life of the connection.'),
    target: field(U256, 'First target of the channel.'),
    extranoncePrefix: field(
      B0_32,
      'The whole extranonce of the channel, used where extended jobs are sent to its group.',
    ),
    groupChannelId: field(U32, 'Group that the channel is a member of.'),
  },
});
export type OpenStandardMiningChannelSuccess = MessageOf<typeof OpenStandardMiningChannelSuccess>;
