import { expect, test } from 'vitest';
import { messageOf, messages } from '../src/registry.ts';

// msg_type, channel_msg bit and name as [sv2 8] has them, and those of [ext 0x0001 3]; 0x1e is reserved there.
const core: [number, boolean, string][] = [
  [0x00, false, 'SetupConnection'],
  [0x01, false, 'SetupConnection.Success'],
  [0x02, false, 'SetupConnection.Error'],
  [0x03, true, 'ChannelEndpointChanged'],
  [0x04, false, 'Reconnect'],
  [0x10, false, 'OpenStandardMiningChannel'],
  [0x11, false, 'OpenStandardMiningChannel.Success'],
  [0x12, false, 'OpenMiningChannel.Error'],
  [0x13, false, 'OpenExtendedMiningChannel'],
  [0x14, false, 'OpenExtendedMiningChannel.Success'],
  [0x15, true, 'NewMiningJob'],
  [0x16, true, 'UpdateChannel'],
  [0x17, true, 'UpdateChannel.Error'],
  [0x18, true, 'CloseChannel'],
  [0x19, true, 'SetExtranoncePrefix'],
  [0x1a, true, 'SubmitSharesStandard'],
  [0x1b, true, 'SubmitSharesExtended'],
  [0x1c, true, 'SubmitShares.Success'],
  [0x1d, true, 'SubmitShares.Error'],
  [0x1f, true, 'NewExtendedMiningJob'],
  [0x20, true, 'SetNewPrevHash'],
  [0x21, true, 'SetTarget'],
  [0x22, true, 'SetCustomMiningJob'],
  [0x23, true, 'SetCustomMiningJob.Success'],
  [0x24, true, 'SetCustomMiningJob.Error'],
  [0x25, false, 'SetGroupChannel'],
  [0x50, false, 'AllocateMiningJobToken'],
  [0x51, false, 'AllocateMiningJobToken.Success'],
  [0x55, false, 'ProvideMissingTransactions'],
  [0x56, false, 'ProvideMissingTransactions.Success'],
  [0x57, false, 'DeclareMiningJob'],
  [0x58, false, 'DeclareMiningJob.Success'],
  [0x59, false, 'DeclareMiningJob.Error'],
  [0x60, false, 'PushSolution'],
  [0x70, false, 'CoinbaseOutputConstraints'],
  [0x71, false, 'NewTemplate'],
  [0x72, false, 'SetNewPrevHash'],
  [0x73, false, 'RequestTransactionData'],
  [0x74, false, 'RequestTransactionData.Success'],
  [0x75, false, 'RequestTransactionData.Error'],
  [0x76, false, 'SubmitSolution'],
];
const negotiation: [number, boolean, string][] = [
  [0x00, false, 'RequestExtensions'],
  [0x01, false, 'RequestExtensions.Success'],
  [0x02, false, 'RequestExtensions.Error'],
];

const rows = (extensionType: number): [number, boolean, string][] =>
  messages
    .filter((declared) => declared.extensionType === extensionType)
    .map((declared): [number, boolean, string] => [declared.type, declared.channelMsg, declared.name])
    .sort(([a], [b]) => a - b);

test('the messages are those of the specification, with its types and channel bits', () => {
  expect(rows(0x0000)).toEqual(core);
  expect(rows(0x0001)).toEqual(negotiation);
  expect(messages).toHaveLength(core.length + negotiation.length);
});

test('a frame header leads to its message, with or without the channel bit', () => {
  for (const declared of messages) {
    expect(messageOf(declared.extensionType, declared.type)).toBe(declared);
    expect(messageOf(declared.extensionType | 0x8000, declared.type)).toBe(declared);
  }
  expect(messageOf(0, 0x1e)).toBeUndefined();
  expect(messageOf(2, 0)).toBeUndefined();
});

test('a message with the channel bit starts with the channel id', () => {
  for (const declared of messages.filter(({ channelMsg }) => channelMsg))
    expect(Object.entries(declared.fields)[0]).toMatchObject(['channelId', { type: { name: 'U32' } }]);
});

test('every message and field is documented in one sentence or more', () => {
  for (const declared of messages) {
    expect(declared.doc, declared.name).toMatch(/^[A-Z].*\.$/);
    for (const [name, field] of Object.entries(declared.fields))
      expect(field.doc, `${declared.name}.${name}`).toMatch(/\.$/);
  }
});
