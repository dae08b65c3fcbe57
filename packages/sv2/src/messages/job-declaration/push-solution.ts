import { B0_32, U32, U256 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const PushSolution = message({
  name: 'PushSolution',
  protocol: 'job-declaration',
  type: 0x60,
  channelMsg: false,
  from: 'client',
  spec: '6.4.9',
  doc: 'A block found on a declared job, for the server to propagate too.',
  fields: {
    extranonce: field(B0_32, 'The whole extranonce.'),
    prevHash: field(U256, 'Hash of the block it builds on.'),
    nonce: field(U32, 'Nonce of the header.'),
    ntime: field(U32, 'Timestamp of the header, Unix seconds.'),
    nbits: field(U32, 'Compact target of the header.'),
    version: field(U32, 'Version of the header.'),
  },
});
export type PushSolution = MessageOf<typeof PushSolution>;
