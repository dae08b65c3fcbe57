import { SEQ0_64K, U16, U32 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const ProvideMissingTransactions = message({
  name: 'ProvideMissingTransactions',
  protocol: 'job-declaration',
  type: 0x55,
  channelMsg: false,
  from: 'server',
  spec: '6.4.7',
  doc: 'Asks for transactions of a declared job that the server does not have.',
  fields: {
    requestId: field(U32, 'The DeclareMiningJob that this is about.'),
    unknownTxPositionList: field(SEQ0_64K(U16), 'Their positions in its list, from 0, the coinbase not counted.'),
  },
});
export type ProvideMissingTransactions = MessageOf<typeof ProvideMissingTransactions>;
