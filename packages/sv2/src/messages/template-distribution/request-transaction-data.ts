import { U64 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const RequestTransactionData = message({
  name: 'RequestTransactionData',
  protocol: 'template-distribution',
  type: 0x73,
  channelMsg: false,
  from: 'client',
  spec: '7.4',
  doc: 'Asks for the transactions of a template.',
  fields: {
    templateId: field(U64, 'Identifier of the template.'),
  },
});
export type RequestTransactionData = MessageOf<typeof RequestTransactionData>;
