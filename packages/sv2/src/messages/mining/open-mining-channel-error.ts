import { STR0_255, U32 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const OpenMiningChannelError = message({
  name: 'OpenMiningChannel.Error',
  protocol: 'mining',
  type: 0x12,
  channelMsg: false,
  from: 'server',
  spec: '5.3.6',
  doc: 'Refuses to open a channel of either kind.',
  fields: {
    requestId: field(U32, 'The request that this answers.'),
    errorCode: field(STR0_255, 'Why, see error-codes.ts; no control characters.'),
  },
});
export type OpenMiningChannelError = MessageOf<typeof OpenMiningChannelError>;
