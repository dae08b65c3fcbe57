import { SEQ0_64K, U16 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const RequestExtensionsSuccess = message({
  name: 'RequestExtensions.Success',
  protocol: 'extensions-negotiation',
  type: 0x01,
  channelMsg: false,
  from: 'server',
  spec: 'ext 0x0001 2',
  doc: 'Names the extensions that may be used.',
  fields: {
    requestId: field(U16, 'The request that this answers.'),
    supportedExtensions: field(SEQ0_64K(U16), 'Those of the request that the server supports.'),
  },
});
export type RequestExtensionsSuccess = MessageOf<typeof RequestExtensionsSuccess>;
