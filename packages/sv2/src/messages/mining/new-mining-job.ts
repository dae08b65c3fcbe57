import { OPTION, U32, U256 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const NewMiningJob = message({
  name: 'NewMiningJob',
  protocol: 'mining',
  type: 0x15,
  channelMsg: true,
  from: 'server',
  spec: '5.3.15',
  doc: 'A job for one standard channel.',
  fields: {
    channelId: field(U32, 'The standard channel.'),
    jobId: field(U32, 'Identifier of the job.'),
    minNtime: field(
      OPTION(U32),
      'Smallest ntime, and the job is active at once; nothing marks a future job, which waits for its SetNewPrevHash.',
    ),
    version: field(U32, 'Block version; the bits of BIP 323 may be rolled.'),
    merkleRoot: field(U256, 'Merkle root of the block header.'),
  },
});
export type NewMiningJob = MessageOf<typeof NewMiningJob>;
