import { STR0_255, U32 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const SubmitSharesError = message({
  name: 'SubmitShares.Error',
  protocol: 'mining',
  type: 0x1d,
  channelMsg: true,
  from: 'server',
  spec: '5.3.14',
  doc: 'Refuses one share.',
  fields: {
    channelId: field(U32, 'The channel.'),
    sequenceNumber: field(U32, 'Sequence number of the refused share.'),
    errorCode: field(STR0_255, 'Why, see error-codes.ts; no control characters.'),
  },
});
export type SubmitSharesError = MessageOf<typeof SubmitSharesError>;
