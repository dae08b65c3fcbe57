import { STR0_255, U32 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const AllocateMiningJobToken = message({
  name: 'AllocateMiningJobToken',
  protocol: 'job-declaration',
  type: 0x50,
  channelMsg: false,
  from: 'client',
  spec: '6.4.2',
  doc: 'Asks for a token to declare a job with.',
  fields: {
    userIdentifier: field(STR0_255, 'Who asks; any bytes, UTF-8 recommended.'),
    requestId: field(U32, 'Chosen by the client, unique on the connection, echoed in the answer.'),
  },
});
export type AllocateMiningJobToken = MessageOf<typeof AllocateMiningJobToken>;
