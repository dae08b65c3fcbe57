import { STR0_255, U16 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const Reconnect = message({
  name: 'Reconnect',
  protocol: 'common',
  type: 0x04,
  channelMsg: false,
  from: 'server',
  spec: '3.6.5',
  doc: 'Sends a client to another server of the same pool; the same authority key must vouch for it.',
  fields: {
    newHost: field(STR0_255, 'Where to; empty keeps the host.'),
    newPort: field(U16, 'Port to connect to; 0 keeps the port.'),
  },
});
export type Reconnect = MessageOf<typeof Reconnect>;
