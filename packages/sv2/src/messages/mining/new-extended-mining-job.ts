import { B0_64K, BOOL, OPTION, SEQ0_255, U32, U256 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const NewExtendedMiningJob = message({
  name: 'NewExtendedMiningJob',
  protocol: 'mining',
  type: 0x1f,
  channelMsg: true,
  from: 'server',
  spec: '5.3.16',
  doc: 'A job for an extended channel, or for every member of a group.',
  fields: {
    channelId: field(U32, 'The extended channel or the group.'),
    jobId: field(U32, 'Identifier of the job.'),
    minNtime: field(
      OPTION(U32),
      'Smallest ntime, and the job is active at once; nothing marks a future job, which waits for its SetNewPrevHash.',
    ),
    version: field(U32, 'Block version; the bits of BIP 323 may be rolled.'),
    versionRollingAllowed: field(BOOL, 'Whether the bits of BIP 323 may be rolled.'),
    merklePath: field(SEQ0_255(U256), 'Hashes to fold the coinbase txid with, from the deepest on.'),
    coinbaseTxPrefix: field(B0_64K, 'Coinbase transaction up to the extranonce, without the fields of BIP 141.'),
    coinbaseTxSuffix: field(B0_64K, 'Coinbase transaction after the extranonce, without the fields of BIP 141.'),
  },
});
export type NewExtendedMiningJob = MessageOf<typeof NewExtendedMiningJob>;
