import { B0_64K, B0_255, SEQ0_64K, U32, U256 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const DeclareMiningJob = message({
  name: 'DeclareMiningJob',
  protocol: 'job-declaration',
  type: 0x57,
  channelMsg: false,
  from: 'client',
  spec: '6.4.4',
  doc: 'Proposes a set of transactions in full-template mode.',
  fields: {
    requestId: field(U32, 'Chosen by the client, unique on the connection, echoed in the answer.'),
    miningJobToken: field(B0_255, 'The token of AllocateMiningJobToken.Success.'),
    version: field(U32, 'Block version; the bits of BIP 323 may be rolled.'),
    coinbaseTxPrefix: field(B0_64K, 'Coinbase transaction up to the extranonce, with the fields of BIP 141.'),
    coinbaseTxSuffix: field(B0_64K, 'Coinbase transaction after the extranonce, with the fields of BIP 141.'),
    wtxidList: field(SEQ0_64K(U256), 'Witness ids of the transactions in order, the coinbase not included.'),
    excessData: field(B0_64K, 'Further data that the pool may need to check the work.'),
  },
});
export type DeclareMiningJob = MessageOf<typeof DeclareMiningJob>;
