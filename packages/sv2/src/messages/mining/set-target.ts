import { U32, U256 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const SetTarget = message({
  name: 'SetTarget',
  protocol: 'mining',
  type: 0x21,
  channelMsg: true,
  from: 'server',
  spec: '5.3.21',
  doc: 'Changes the share target for later jobs and for future jobs that wait; active jobs keep theirs.',
  fields: {
    channelId: field(U32, 'The channel or group.'),
    maximumTarget: field(U256, 'Easiest hash that is a share.'),
  },
});
export type SetTarget = MessageOf<typeof SetTarget>;
