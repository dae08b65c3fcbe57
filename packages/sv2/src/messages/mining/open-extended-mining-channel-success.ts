import { B0_32, U16, U32, U256 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const OpenExtendedMiningChannelSuccess = message({
  name: 'OpenExtendedMiningChannel.Success',
  protocol: 'mining',
  type: 0x14,
  channelMsg: false,
  from: 'server',
  spec: '5.3.5',
  doc: 'Opens an extended channel.',
  fields: {
    requestId: field(U32, 'The request that this answers.'),
    channelId: field(U32, 'Identifier of the new channel for the life of the connection.'),
    target: field(U256, 'First target of the channel.'),
    extranonceSize: field(U16, 'Bytes of extranonce that the client rolls.'),
    extranoncePrefix: field(B0_32, 'First bytes of the extranonce, fixed by the server.'),
    groupChannelId: field(U32, 'Group that the channel is a member of.'),
  },
});
export type OpenExtendedMiningChannelSuccess = MessageOf<typeof OpenExtendedMiningChannelSuccess>;
