import { STR0_255, U32 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const SetupConnectionError = message({
  name: 'SetupConnection.Error',
  protocol: 'common',
  type: 0x02,
  channelMsg: false,
  from: 'server',
  spec: '3.6.3',
  doc: 'Refuses a connection; the server closes it afterwards.',
  fields: {
    flags: field(U32, 'Every requested feature that the server lacks; 0 when the refusal has another reason.'),
    errorCode: field(STR0_255, 'Why, see error-codes.ts; no control characters.'),
  },
});
export type SetupConnectionError = MessageOf<typeof SetupConnectionError>;
