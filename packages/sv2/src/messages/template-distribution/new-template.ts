import { B0_64K, B0_255, BOOL, SEQ0_255, U32, U64, U256 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const NewTemplate = message({
  name: 'NewTemplate',
  protocol: 'template-distribution',
  type: 0x71,
  channelMsg: false,
  from: 'server',
  spec: '7.2',
  doc: 'A block template.',
  fields: {
    templateId: field(U64, 'Identifier of the template; grows strictly.'),
    futureTemplate: field(BOOL, 'Whether it waits for a SetNewPrevHash, or belongs to the last one.'),
    version: field(U32, 'Block version; the bits of BIP 323 may be rolled.'),
    coinbaseTxVersion: field(U32, 'nVersion of the coinbase transaction.'),
    coinbasePrefix: field(B0_255, 'First bytes of the coinbase script, at most 8: the height of BIP 34.'),
    coinbaseTxInputSequence: field(U32, "nSequence of the coinbase transaction's input."),
    coinbaseTxValueRemaining: field(U64, 'Satoshis that the outputs of the client may spend: subsidy and fees.'),
    coinbaseTxOutputsCount: field(U32, 'How many outputs `coinbaseTxOutputs` holds.'),
    coinbaseTxOutputs: field(
      B0_64K,
      'Last outputs of the coinbase transaction, without a count; the witness commitment is among them.',
    ),
    coinbaseTxLocktime: field(U32, 'nLockTime of the coinbase transaction.'),
    merklePath: field(SEQ0_255(U256), 'Hashes to fold the coinbase txid with, from the deepest on.'),
  },
});
export type NewTemplate = MessageOf<typeof NewTemplate>;
