import { B0_16M, SEQ0_64K, U32 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const ProvideMissingTransactionsSuccess = message({
  name: 'ProvideMissingTransactions.Success',
  protocol: 'job-declaration',
  type: 0x56,
  channelMsg: false,
  from: 'client',
  spec: '6.4.8',
  doc: 'The transactions asked for.',
  fields: {
    requestId: field(U32, 'The request that this answers.'),
    transactionList: field(SEQ0_64K(B0_16M), 'Whole transactions in the order of the positions asked for.'),
  },
});
export type ProvideMissingTransactionsSuccess = MessageOf<typeof ProvideMissingTransactionsSuccess>;
