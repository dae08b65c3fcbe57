import { U32, U64, U256 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const TemplateSetNewPrevHash = message({
  name: 'SetNewPrevHash',
  protocol: 'template-distribution',
  type: 0x72,
  channelMsg: false,
  from: 'server',
  spec: '7.3',
  doc: 'A new tip: activates a future template. Named so to tell it from the message of the mining protocol.',
  fields: {
    templateId: field(U64, 'Identifier of the template.'),
    prevHash: field(U256, 'Hash of the block to build on.'),
    headerTimestamp: field(U32, 'Timestamp to start at, Unix seconds; not the smallest valid one.'),
    nBits: field(U32, 'Compact target of the block header.'),
    target: field(U256, 'Easiest hash that is a solution.'),
  },
});
export type TemplateSetNewPrevHash = MessageOf<typeof TemplateSetNewPrevHash>;
