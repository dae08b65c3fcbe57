// Peers that do what they must not: the specification's answer, no exception, nothing left behind.

import { randomBytes } from '@sluice/runtime/random';
import { encodeFrame } from '@sluice/sv2/frames';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionError } from '@sluice/sv2/messages/common/setup-connection-error';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { CoinbaseOutputConstraints } from '@sluice/sv2/messages/template-distribution/coinbase-output-constraints';
import { NewTemplate } from '@sluice/sv2/messages/template-distribution/new-template';
import { RequestTransactionData } from '@sluice/sv2/messages/template-distribution/request-transaction-data';
import { RequestTransactionDataError } from '@sluice/sv2/messages/template-distribution/request-transaction-data-error';
import { SubmitSolution } from '@sluice/sv2/messages/template-distribution/submit-solution';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestDistribution, transaction } from '../support/test-distribution.ts';
import { setupConnection } from '../support/test-template-client.ts';

let test: TestDistribution;

beforeEach(async () => {
  test = await TestDistribution.start({ limits: { messagesPerSecond: 20, outboundStallMs: 2_000 } });
  test.newTip();
  test.newTemplate([transaction(1)]);
});
afterEach(async () => {
  await test.stop();
  test.remove();
  expect(test.server.clients.size).toBe(0);
  expect(test.lines('a message could not be handled')).toEqual([]);
});

const closed = (reason: string) => test.metric('connections_closed_total', { reason });

describe('setup', () => {
  it.each([
    ['unsupported-protocol', { protocol: 0 }, 0],
    ['unsupported-protocol', { protocol: 1 }, 0],
    ['protocol-version-mismatch', { minVersion: 3, maxVersion: 3 }, 0],
    ['unsupported-feature-flags', { flags: 0b101 }, 0b101],
  ])('is refused with %s: %o', async (errorCode, overrides, flags) => {
    const client = await test.greeted();
    client.send(SetupConnection, setupConnection(overrides));
    expect(await client.expect(SetupConnectionError)).toEqual({ flags, errorCode });
    await client.untilClosed();
    expect(await closed('setup-refused')).toBe(1);
  });

  it('comes first', async () => {
    const client = await test.greeted();
    client.constrain(50);
    await client.untilClosed();
    expect(await closed('setup-not-first')).toBe(1);
  });

  it('is answered with version 2 and no flags, and once', async () => {
    const client = await test.greeted();
    client.send(SetupConnection, setupConnection());
    expect(await client.expect(SetupConnectionSuccess)).toEqual({ usedVersion: 2, flags: 0 });
    client.send(SetupConnection, setupConnection({ protocol: 0 }));
    client.constrain(50);
    await client.begin();
    expect(await test.metric('messages_ignored_total')).toBe(1);
  });
});

it('a client that tells no constraints is closed, and one that does so late is served', async () => {
  const [silent, late] = [await test.client(), await test.client()];
  test.pass(9_999);
  late.constrain(50);
  await late.begin();
  test.pass(1);
  await silent.untilClosed();
  expect(await closed('constraints-timeout')).toBe(1);
  expect(late.closed).toBe(false);
});

it('what has no constraints yet may still bring a solution, and ask for transactions', async () => {
  const client = await test.client();
  client.send(RequestTransactionData, { templateId: 1n });
  await client.expect(RequestTransactionDataError);
  client.send(SubmitSolution, {
    templateId: 1n,
    version: 1,
    headerTimestamp: 1,
    headerNonce: 1,
    coinbaseTx: new Uint8Array(10),
  });
  await client.silence();
  expect(await test.metric('solutions_total', { outcome: 'template-unknown' })).toBe(1);
});

it('messages that are unknown, of servers or of other protocols are ignored', async () => {
  const client = await test.client();
  client.constrain(50);
  const { template } = await client.begin();
  client.send(NewTemplate, template);
  const open = { requestId: 1, userIdentity: 'a', nominalHashRate: 1, maxTarget: new Uint8Array(32) };
  client.send(OpenStandardMiningChannel, open);
  client.sendFrame(Uint8Array.of(0, 0, 0xee, 2, 0, 0, 1, 2));
  client.sendFrame(Uint8Array.of(9, 0, 0x70, 0, 0, 0));
  client.constrain(50);
  await client.begin();
  expect(await test.metric('messages_ignored_total')).toBe(4);
});

it.each([
  ['a payload that is too short', Uint8Array.of(0, 0, 0x73, 1, 0, 0, 1), 'malformed-message'],
  ['a payload that is longer than its message can be', Uint8Array.of(0, 0, 0x70, 0, 0, 1), 'payload-too-long'],
])('%s ends the connection', async (_, frame, reason) => {
  const client = await test.client();
  const padded = new Uint8Array(Math.max(frame.length, reason === 'payload-too-long' ? 65_542 : 0));
  padded.set(frame);
  client.sendFrame(padded);
  await client.untilClosed();
  expect(await closed(reason)).toBe(1);
});

it('garbage in the place of the handshake or of a frame ends the connection', async () => {
  const socket = test.socket();
  socket.on('error', () => undefined);
  socket.write(Buffer.alloc(64, 0xff));
  const client = await test.client();
  client.socket.write(Buffer.alloc(200, 7));
  await client.untilClosed();
  expect(await closed('decryption-failed')).toBe(1);
});

it('no bytes in the messages of a client make an exception', async () => {
  const types = [0x00, 0x70, 0x73, 0x76, 0x71, 0x55];
  const lengths = [0, 1, 5, 8, 30, 300];
  for (const type of types) {
    for (const length of lengths) {
      const client = await test.client();
      client.constrain(50);
      await client.begin();
      client.sendFrame(Buffer.concat([Buffer.of(0, 0, type, length, length >> 8, 0), randomBytes(length)]));
      client.socket.end();
      await client.untilClosed();
    }
  }
  expect(test.submitted).toEqual([]);
});

it('repeated constraints are slowed down, and leave one file of transactions', async () => {
  const client = await test.client();
  const frame = encodeFrame(CoinbaseOutputConstraints, {
    coinbaseOutputMaxAdditionalSize: 50,
    coinbaseOutputMaxAdditionalSigops: 0,
  });
  for (let count = 0; count < 10; count += 1) {
    client.sendFrame(frame);
    await client.silence(5);
  }
  expect(await test.metric('held_back_total')).toBeGreaterThan(0);
  expect(test.store.count).toBe(1);
});

it('a client that goes leaves nothing behind', async () => {
  for (let count = 0; count < 5; count += 1) {
    const client = await test.client();
    client.constrain(50);
    await client.begin();
    client.send(RequestTransactionData, { templateId: 1n });
    client.socket.destroy();
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(test.server.clients.size).toBe(0);
  test.pass(1_000);
  expect(await test.metric('reserves')).toBe(0);
  expect(await test.metric('outbound_bytes')).toBe(0);
});
