import { U32, U256 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const SetNewPrevHash = message({
  name: 'SetNewPrevHash',
  protocol: 'mining',
  type: 0x20,
  channelMsg: true,
  from: 'server',
  spec: '5.3.17',
  doc: 'A new tip: activates one future job and voids all other jobs.',
  fields: {
    channelId: field(U32, 'The channel or group.'),
    jobId: field(U32, 'The future job to work on from now.'),
    prevHash: field(U256, 'Hash of the block to build on.'),
    minNtime: field(U32, 'Smallest ntime, Unix seconds.'),
    nbits: field(U32, 'Compact target of the block header.'),
  },
});
export type SetNewPrevHash = MessageOf<typeof SetNewPrevHash>;
