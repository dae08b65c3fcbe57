import { STR0_255, U32 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const SetCustomMiningJobError = message({
  name: 'SetCustomMiningJob.Error',
  protocol: 'mining',
  type: 0x24,
  channelMsg: true,
  from: 'server',
  spec: '5.3.20',
  doc: 'Refuses a custom job.',
  fields: {
    channelId: field(U32, 'The channel.'),
    requestId: field(U32, 'The request that this answers.'),
    errorCode: field(STR0_255, 'Why, see error-codes.ts; no control characters.'),
  },
});
export type SetCustomMiningJobError = MessageOf<typeof SetCustomMiningJobError>;
