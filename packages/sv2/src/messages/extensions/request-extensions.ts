import { SEQ0_64K, U16 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const RequestExtensions = message({
  name: 'RequestExtensions',
  protocol: 'extensions-negotiation',
  type: 0x00,
  channelMsg: false,
  from: 'client',
  spec: 'ext 0x0001 2',
  doc: 'Asks for extensions; sent right after SetupConnection.Success.',
  fields: {
    requestId: field(U16, 'Chosen by the client, echoed in the answer.'),
    requestedExtensions: field(SEQ0_64K(U16), 'Extensions that the client wants to use.'),
  },
});
export type RequestExtensions = MessageOf<typeof RequestExtensions>;
