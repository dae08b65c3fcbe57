import { U16, U32 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const SetupConnectionSuccess = message({
  name: 'SetupConnection.Success',
  protocol: 'common',
  type: 0x01,
  channelMsg: false,
  from: 'server',
  spec: '3.6.2',
  doc: 'Accepts a connection.',
  fields: {
    usedVersion: field(U16, 'Version that holds for the life of the connection.'),
    flags: field(
      U32,
      'Optional features that the server has or demands; their bits depend on the protocol, see flags.ts.',
    ),
  },
});
export type SetupConnectionSuccess = MessageOf<typeof SetupConnectionSuccess>;
