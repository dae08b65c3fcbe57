import { SEQ0_64K, U16 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const RequestExtensionsError = message({
  name: 'RequestExtensions.Error',
  protocol: 'extensions-negotiation',
  type: 0x02,
  channelMsg: false,
  from: 'server',
  spec: 'ext 0x0001 2',
  doc: 'None of the requested extensions is supported, or one that the server demands was not requested.',
  fields: {
    requestId: field(U16, 'The request that this answers.'),
    unsupportedExtensions: field(SEQ0_64K(U16), 'Those of the request that the server lacks.'),
    requiredExtensions: field(SEQ0_64K(U16), 'Those that the server demands and the client did not request.'),
  },
});
export type RequestExtensionsError = MessageOf<typeof RequestExtensionsError>;
