import { U32 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const SetCustomMiningJobSuccess = message({
  name: 'SetCustomMiningJob.Success',
  protocol: 'mining',
  type: 0x23,
  channelMsg: true,
  from: 'server',
  spec: '5.3.19',
  doc: 'Accepts a custom job: shares may be submitted for it.',
  fields: {
    channelId: field(U32, 'The channel.'),
    requestId: field(U32, 'The request that this answers.'),
    jobId: field(U32, 'Identifier of the job from now on.'),
  },
});
export type SetCustomMiningJobSuccess = MessageOf<typeof SetCustomMiningJobSuccess>;
