import { U32 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const SubmitSharesStandard = message({
  name: 'SubmitSharesStandard',
  protocol: 'mining',
  type: 0x1a,
  channelMsg: true,
  from: 'client',
  spec: '5.3.11',
  doc: 'A share of a standard channel.',
  fields: {
    channelId: field(U32, 'The channel.'),
    sequenceNumber: field(U32, "The client's number of this submission on the channel; echoed, not trusted."),
    jobId: field(U32, 'Job that was worked on.'),
    nonce: field(U32, 'Nonce of the header.'),
    ntime: field(U32, 'Timestamp of the header, Unix seconds.'),
    version: field(U32, 'Whole version of the header, rolled bits included.'),
  },
});
export type SubmitSharesStandard = MessageOf<typeof SubmitSharesStandard>;
