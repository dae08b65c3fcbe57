import { B0_32, U32 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const SetExtranoncePrefix = message({
  name: 'SetExtranoncePrefix',
  protocol: 'mining',
  type: 0x19,
  channelMsg: true,
  from: 'server',
  spec: '5.3.10',
  doc: 'Gives a channel another prefix for all jobs sent after this message; not for groups.',
  fields: {
    channelId: field(U32, 'The standard or extended channel.'),
    extranoncePrefix: field(B0_32, 'First bytes of the extranonce, fixed by the server.'),
  },
});
export type SetExtranoncePrefix = MessageOf<typeof SetExtranoncePrefix>;
