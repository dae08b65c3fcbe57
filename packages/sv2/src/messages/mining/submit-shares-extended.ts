import { B0_32, U32 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const SubmitSharesExtended = message({
  name: 'SubmitSharesExtended',
  protocol: 'mining',
  type: 0x1b,
  channelMsg: true,
  from: 'client',
  spec: '5.3.12',
  doc: 'A share of an extended channel; extension 0x0002 appends the worker as a TLV field.',
  fields: {
    channelId: field(U32, 'The channel.'),
    sequenceNumber: field(U32, "The client's number of this submission on the channel; echoed, not trusted."),
    jobId: field(U32, 'Job that was worked on.'),
    nonce: field(U32, 'Nonce of the header.'),
    ntime: field(U32, 'Timestamp of the header, Unix seconds.'),
    version: field(U32, 'Whole version of the header, rolled bits included.'),
    extranonce: field(B0_32, 'The rolled bytes that follow the prefix; exactly as many as the channel was given.'),
  },
});
export type SubmitSharesExtended = MessageOf<typeof SubmitSharesExtended>;
