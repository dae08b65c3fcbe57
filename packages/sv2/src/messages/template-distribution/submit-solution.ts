import { B0_64K, U32, U64 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const SubmitSolution = message({
  name: 'SubmitSolution',
  protocol: 'template-distribution',
  type: 0x76,
  channelMsg: false,
  from: 'client',
  spec: '7.7',
  doc: 'A block found: the server assembles and propagates it.',
  fields: {
    templateId: field(U64, 'Identifier of the template.'),
    version: field(U32, 'Version of the header.'),
    headerTimestamp: field(U32, 'Timestamp of the header, Unix seconds.'),
    headerNonce: field(U32, 'Nonce of the header.'),
    coinbaseTx: field(B0_64K, 'Whole coinbase transaction, with the fields of BIP 141.'),
  },
});
export type SubmitSolution = MessageOf<typeof SubmitSolution>;
