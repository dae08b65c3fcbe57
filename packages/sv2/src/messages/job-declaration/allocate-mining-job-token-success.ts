import { B0_64K, B0_255, U32 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const AllocateMiningJobTokenSuccess = message({
  name: 'AllocateMiningJobToken.Success',
  protocol: 'job-declaration',
  type: 0x51,
  channelMsg: false,
  from: 'server',
  spec: '6.4.3',
  doc: 'Gives a token and the outputs that the coinbase must pay.',
  fields: {
    requestId: field(U32, 'The request that this answers.'),
    miningJobToken: field(B0_255, 'The token.'),
    coinbaseTxOutputs: field(
      B0_64K,
      'Outputs of the pool behind their count as CompactSize; the first one is to be paid.',
    ),
  },
});
export type AllocateMiningJobTokenSuccess = MessageOf<typeof AllocateMiningJobTokenSuccess>;
