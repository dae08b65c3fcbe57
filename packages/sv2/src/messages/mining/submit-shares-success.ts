import { U32, U64 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const SubmitSharesSuccess = message({
  name: 'SubmitShares.Success',
  protocol: 'mining',
  type: 0x1c,
  channelMsg: true,
  from: 'server',
  spec: '5.3.13',
  doc: 'Accepts one or several shares at once.',
  fields: {
    channelId: field(U32, 'The channel.'),
    lastSequenceNumber: field(U32, 'Sequence number of the last share accepted.'),
    newSubmitsAcceptedCount: field(U32, 'How many shares this message accepts.'),
    newSharesSum: field(U64, 'Sum of their difficulties.'),
  },
});
export type SubmitSharesSuccess = MessageOf<typeof SubmitSharesSuccess>;
