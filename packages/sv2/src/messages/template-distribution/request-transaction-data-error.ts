import { STR0_255, U64 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const RequestTransactionDataError = message({
  name: 'RequestTransactionData.Error',
  protocol: 'template-distribution',
  type: 0x75,
  channelMsg: false,
  from: 'server',
  spec: '7.6',
  doc: 'Says that the transactions of a template cannot be had.',
  fields: {
    templateId: field(U64, 'Identifier of the template.'),
    errorCode: field(STR0_255, 'Why; no control characters.'),
  },
});
export type RequestTransactionDataError = MessageOf<typeof RequestTransactionDataError>;
