import { B0_255, U32 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const DeclareMiningJobSuccess = message({
  name: 'DeclareMiningJob.Success',
  protocol: 'job-declaration',
  type: 0x58,
  channelMsg: false,
  from: 'server',
  spec: '6.4.5',
  doc: 'Accepts a declared job.',
  fields: {
    requestId: field(U32, 'The request that this answers.'),
    newMiningJobToken: field(B0_255, 'Token that names the job to the pool.'),
  },
});
export type DeclareMiningJobSuccess = MessageOf<typeof DeclareMiningJobSuccess>;
