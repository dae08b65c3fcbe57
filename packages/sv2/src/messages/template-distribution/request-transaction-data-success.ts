import { B0_16M, B0_64K, SEQ0_64K, U64 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const RequestTransactionDataSuccess = message({
  name: 'RequestTransactionData.Success',
  protocol: 'template-distribution',
  type: 0x74,
  channelMsg: false,
  from: 'server',
  spec: '7.5',
  doc: 'The transactions of a template.',
  fields: {
    templateId: field(U64, 'Identifier of the template.'),
    excessData: field(B0_64K, 'Further data that the pool may need to check the work; opaque.'),
    transactionList: field(
      SEQ0_64K(B0_16M),
      'Whole transactions in the order of the block, the coinbase not included; opaque.',
    ),
  },
});
export type RequestTransactionDataSuccess = MessageOf<typeof RequestTransactionDataSuccess>;
