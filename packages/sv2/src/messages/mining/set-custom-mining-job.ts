import { B0_64K, B0_255, SEQ0_255, U32, U256 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const SetCustomMiningJob = message({
  name: 'SetCustomMiningJob',
  protocol: 'mining',
  type: 0x22,
  channelMsg: true,
  from: 'client',
  spec: '5.3.18',
  doc: 'Announces a job whose transactions the miner chose; needs REQUIRES_WORK_SELECTION.',
  fields: {
    channelId: field(U32, 'The extended channel or the group.'),
    requestId: field(U32, 'Chosen by the client, unique on the connection, echoed in the answer.'),
    miningJobToken: field(B0_255, 'Token of the job declarator that names the job.'),
    version: field(U32, 'Block version; the bits of BIP 323 may be rolled.'),
    prevHash: field(U256, 'Hash of the block to build on.'),
    minNtime: field(U32, 'Smallest ntime, Unix seconds.'),
    nbits: field(U32, 'Compact target of the block header.'),
    coinbaseTxVersion: field(U32, 'nVersion of the coinbase transaction.'),
    coinbasePrefix: field(B0_255, 'First bytes of the coinbase script, at most 8.'),
    coinbaseTxInputNSequence: field(U32, "nSequence of the coinbase transaction's input."),
    coinbaseTxOutputs: field(B0_64K, 'Outputs of the coinbase transaction behind their count as CompactSize.'),
    coinbaseTxLocktime: field(U32, 'nLockTime of the coinbase transaction.'),
    merklePath: field(SEQ0_255(U256), 'Hashes to fold the coinbase txid with, from the deepest on.'),
  },
});
export type SetCustomMiningJob = MessageOf<typeof SetCustomMiningJob>;
