import { B0_64K, STR0_255, U32 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const DeclareMiningJobError = message({
  name: 'DeclareMiningJob.Error',
  protocol: 'job-declaration',
  type: 0x59,
  channelMsg: false,
  from: 'server',
  spec: '6.4.6',
  doc: 'Refuses a declared job.',
  fields: {
    requestId: field(U32, 'The request that this answers.'),
    errorCode: field(STR0_255, 'Why; no control characters.'),
    errorDetails: field(B0_64K, 'Further details of the error.'),
  },
});
export type DeclareMiningJobError = MessageOf<typeof DeclareMiningJobError>;
