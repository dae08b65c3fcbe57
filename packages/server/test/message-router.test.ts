import { silentLogger } from '@sluice/runtime/logger';
import { encodeFrame, FRAME_HEADER_SIZE } from '@sluice/sv2/frames';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { RequestExtensions } from '@sluice/sv2/messages/extensions/request-extensions';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { SubmitSharesStandard } from '@sluice/sv2/messages/mining/submit-shares-standard';
import { TLV_ALLOWANCE, UNKNOWN_PAYLOAD_LIMIT } from '@sluice/sv2/payload-limits';
import { beforeEach, expect, test } from 'vitest';
import { decoded, MessageRouter, type RoutedConnection } from '../src/message-router.ts';

const CHANNEL = 0x8000;
const setup = encodeFrame(SetupConnection, {
  ...{ protocol: 0, minVersion: 2, maxVersion: 2, flags: 0, endpointHost: 'pool', endpointPort: 1 },
  ...{ vendor: '', hardwareVersion: '', firmware: '', deviceId: '' },
}).subarray(FRAME_HEADER_SIZE);
const close = encodeFrame(CloseChannel, { channelId: 2, reasonCode: 'done' }).subarray(FRAME_HEADER_SIZE);

let handled: unknown[];
let cuts: string[];
let state: RoutedConnection['state'];
let counters: { ignoredMessages: number };
let connection: RoutedConnection;
let router: MessageRouter<RoutedConnection>;

beforeEach(() => {
  handled = [];
  cuts = [];
  state = 'setup';
  counters = { ignoredMessages: 0 };
  connection = {
    id: 1,
    get state() {
      return state;
    },
    cut: (reason, detail) => cuts.push(`${reason}: ${detail}`),
  };
  router = new MessageRouter<RoutedConnection>(
    [
      decoded(SetupConnection, (_, { protocol }) => {
        handled.push(protocol);
        state = 'open';
      }),
      decoded(CloseChannel, (_, value) => handled.push(value)),
      decoded(RequestExtensions, (_, { requestId }) => handled.push(requestId)),
      {
        message: SubmitSharesStandard,
        read: (_, payload) => {
          handled.push(payload);
          return payload.length < 24 ? { ok: false, code: 'payload-truncated', where: 'share' } : undefined;
        },
      },
    ],
    { log: silentLogger(), counters },
  );
});

const open = () => router.route(connection, 0, SetupConnection.type, setup);

test('nothing is taken before SetupConnection, and that once', () => {
  router.route(connection, CHANNEL, CloseChannel.type, close);
  expect(cuts).toEqual(['setup-not-first: extension 0, message 24']);
  open();
  open();
  expect([handled, counters.ignoredMessages]).toEqual([[0], 1]);
});

test('the handler of a message has it whole, with or without the channel bit, and keeps it', () => {
  open();
  const payload = Uint8Array.from(close);
  router.route(connection, CHANNEL, CloseChannel.type, payload);
  payload.fill(0xff);
  router.route(connection, 0, CloseChannel.type, close);
  expect(handled.slice(1)).toEqual([
    { channelId: 2, reasonCode: 'done' },
    { channelId: 2, reasonCode: 'done' },
  ]);
  router.route(connection, 1, RequestExtensions.type, Uint8Array.of(7, 0, 0, 0));
  expect(handled.at(-1)).toBe(7);
});

test('what is read in place is handed on as it came', () => {
  open();
  const payload = new Uint8Array(24);
  router.route(connection, CHANNEL, SubmitSharesStandard.type, payload);
  expect(handled.at(-1)).toBe(payload);
  expect(cuts).toEqual([]);
});

test('a payload that is none of its message ends the connection, and says where', () => {
  open();
  router.route(connection, CHANNEL, SubmitSharesStandard.type, new Uint8Array(3));
  router.route(connection, CHANNEL, CloseChannel.type, close.subarray(0, 6));
  expect(cuts).toEqual([
    'malformed-message: payload-truncated at share',
    expect.stringMatching(/^malformed-message: payload-truncated at CloseChannel/),
  ]);
});

test('what is not known is ignored, of an extension as well', () => {
  open();
  router.route(connection, 0, 0xff, new Uint8Array(0));
  router.route(connection, 0x1234, CloseChannel.type, close);
  expect([handled.length, counters.ignoredMessages, cuts]).toEqual([1, 2, []]);
});

test('a frame may announce as much as its message can have', () => {
  expect(router.acceptedPayload(0, SubmitSharesStandard.type)).toBe(24 + TLV_ALLOWANCE);
  expect(router.acceptedPayload(0, 0xff)).toBe(UNKNOWN_PAYLOAD_LIMIT);
});
