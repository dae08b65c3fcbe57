// What a peer can do wrong, and what becomes of it: the right end of the connection, and never an exception that leaves it.
import { once } from 'node:events';
import { encodeFrame, FRAME_HEADER_SIZE } from '@sluice/sv2/frames';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { SubmitSharesError } from '@sluice/sv2/messages/mining/submit-shares-error';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { UpdateChannel } from '@sluice/sv2/messages/mining/update-channel';
import { UpdateChannelError } from '@sluice/sv2/messages/mining/update-channel-error';
import { afterEach, expect, test } from 'vitest';
import { proxyHeader } from '../../../packages/server/test/support/proxy-header.ts';
import type { CloseReason } from '../src/errors.ts';
import { fuzzedFrame, randomGenerator } from './support/fuzz.ts';
import { TestGateway } from './support/test-gateway.ts';
import { setupConnection, type TestMiner } from './support/test-miner.ts';

let gateway: TestGateway;
afterEach(() => gateway.stop());

async function ready(): Promise<TestMiner> {
  gateway = await TestGateway.start();
  const miner = await gateway.miner();
  await miner.setup();
  await miner.openExtended();
  await miner.skip(2);
  return miner;
}

async function closedFor(miner: TestMiner, reason: CloseReason): Promise<void> {
  await miner.untilClosed();
  expect(gateway.counters.closed).toMatchObject({ [reason]: 1, 'handler-failed': 0 });
  expect(gateway.gateway.connections.size).toBe(0);
}

test('channels of all connections of an address, and of the process, are bounded', async () => {
  gateway = await TestGateway.start({ limits: { channelsPerAddress: 2, channels: 3 } });
  const miners = [await gateway.miner(), await gateway.miner(), await gateway.miner('192.0.2.2')] as const;
  for (const miner of miners) await miner.setup(1);
  const [one, other, elsewhere] = miners;
  const open = async (miner: TestMiner) => {
    miner.send(OpenStandardMiningChannel, miner.openMessage({}));
    for (;;) {
      const { name } = await miner.next();
      if (name.startsWith('Open')) return name;
    }
  };
  expect([await open(one), await open(other), await open(other)].map((name) => name.endsWith('Success'))).toEqual([
    ...[true, true, false],
  ]);
  expect([await open(elsewhere), await open(elsewhere)].map((name) => name.endsWith('Success'))).toEqual([true, false]);
  expect(gateway.counters.opensOverLimit).toMatchObject({ address: 1, total: 1 });
  one.send(CloseChannel, { channelId: 2, reasonCode: 'done' });
  other.socket.destroy();
  await expect.poll(() => gateway.gateway.channels).toBe(1);
  expect(gateway.gateway.pendingOpens).toBe(0);
  expect([await open(one), await open(elsewhere)].map((name) => name.endsWith('Success'))).toEqual([true, true]);
});

test('a silent socket is closed when the handshake is overdue', async () => {
  gateway = await TestGateway.start();
  const socket = gateway.connect();
  gateway.clock.advance(9_999);
  gateway.gateway.sweep();
  expect(socket.destroyed).toBe(false);
  gateway.clock.advance(1);
  gateway.gateway.sweep();
  expect(gateway.counters.closed['handshake-timeout']).toBe(1);
  expect(gateway.gateway.connections.size).toBe(0);
});

test('a header of the PROXY protocol from anybody but a load balancer is closed, with what it was', async () => {
  gateway = await TestGateway.start();
  const socket = gateway.connect();
  socket.write(proxyHeader('203.0.113.7'));
  await expect.poll(() => gateway.counters.closed['proxy-header-untrusted']).toBe(1);
  expect(gateway.gateway.connections.size).toBe(0);
});

test('a connection without SetupConnection is closed when it is overdue', async () => {
  gateway = await TestGateway.start();
  const miner = await gateway.miner();
  gateway.clock.advance(10_000);
  gateway.gateway.sweep();
  await closedFor(miner, 'setup-timeout');
});

test('a connection with a channel may be silent for an hour, from its channel or its last share on', async () => {
  const miner = await ready();
  const other = await gateway.miner();
  await other.setup();
  await other.openExtended();
  await other.skip(2);
  gateway.clock.advance(3_599_999);
  gateway.gateway.sweep();
  expect([miner.closed, other.closed]).toEqual([false, false]);
  const share = { channelId: 2, sequenceNumber: 1, jobId: 1, nonce: 1, ntime: 1, version: 1 };
  other.send(SubmitSharesExtended, { ...share, extranonce: new Uint8Array(13) });
  expect(await other.expect(SubmitSharesError)).toMatchObject({ errorCode: 'invalid-job-id' });
  gateway.clock.advance(1);
  gateway.gateway.sweep();
  await miner.untilClosed();
  expect(gateway.counters.closed['share-timeout']).toBe(1);
  gateway.clock.advance(3_599_999);
  gateway.gateway.sweep();
  expect(other.closed).toBe(false);
  gateway.clock.advance(1);
  gateway.gateway.sweep();
  await other.untilClosed();
  expect(gateway.counters.closed['share-timeout']).toBe(2);
});

test('a connection without a channel is closed after a while, and not while one is asked for', async () => {
  gateway = await TestGateway.start();
  const miner = await gateway.miner();
  await miner.setup();
  gateway.clock.advance(299_999);
  gateway.gateway.sweep();
  expect(miner.closed).toBe(false);
  const other = await gateway.miner();
  await other.setup();
  await other.openExtended();
  await other.skip(2);
  gateway.clock.advance(300_000);
  gateway.gateway.sweep();
  await miner.untilClosed();
  expect(gateway.counters.closed['channel-timeout']).toBe(1);
  expect(other.closed).toBe(false);
  other.send(CloseChannel, { channelId: 2, reasonCode: 'done' });
  await other.silence();
  gateway.clock.advance(300_000);
  gateway.gateway.sweep();
  await other.untilClosed();
  expect(gateway.counters.closed['channel-timeout']).toBe(2);
});

test('bytes that are no handshake give a connection that nothing can be read on', async () => {
  gateway = await TestGateway.start();
  const socket = gateway.connect();
  socket.resume();
  socket.write(new Uint8Array(64).fill(7));
  socket.write(new Uint8Array(100).fill(7));
  await new Promise((resolve) => socket.once('end', resolve));
  expect(gateway.counters.closed['decryption-failed']).toBe(1);
});

test('the first message must be SetupConnection', async () => {
  gateway = await TestGateway.start();
  const miner = await gateway.miner();
  miner.send(OpenStandardMiningChannel, miner.openMessage({}));
  await closedFor(miner, 'setup-not-first');
});

test('a second SetupConnection, a message of servers and an unknown one are ignored', async () => {
  const miner = await ready();
  miner.send(SetupConnection, setupConnection(1));
  miner.send(NewMiningJob, { channelId: 2, jobId: 1, minNtime: undefined, version: 0, merkleRoot: new Uint8Array(32) });
  miner.sendFrame(Uint8Array.of(0x34, 0x12, 0x99, 3, 0, 0, 1, 2, 3));
  miner.send(CloseChannel, { channelId: 99, reasonCode: 'who' });
  expect(await miner.silence()).toBe(true);
  expect(gateway.counters.ignoredMessages).toBe(4);
  await miner.openExtended();
});

test('a payload that ends too early closes the connection', async () => {
  const miner = await ready();
  const whole = encodeFrame(OpenStandardMiningChannel, miner.openMessage({}));
  const cut = whole.slice(0, -3);
  cut[3] = cut.length - FRAME_HEADER_SIZE;
  miner.sendFrame(cut);
  await closedFor(miner, 'malformed-message');
});

test('a share that is too short, or whose extranonce is too long, closes the connection', async () => {
  const miner = await ready();
  const frame = encodeFrame(SubmitSharesExtended, {
    channelId: 2,
    sequenceNumber: 1,
    jobId: 16,
    nonce: 1,
    ntime: 1,
    version: 1,
    extranonce: new Uint8Array(13),
  });
  frame[FRAME_HEADER_SIZE + 24] = 33;
  miner.sendFrame(frame);
  await closedFor(miner, 'malformed-message');
});

test('a frame that announces more than its message can have is refused by its header', async () => {
  const miner = await ready();
  miner.sendFrame(new Uint8Array(FRAME_HEADER_SIZE + 5_000).fill(0x1a, 2, 3).fill(0x88, 3, 4).fill(0x13, 4, 5));
  await closedFor(miner, 'payload-too-long');
});

test('a reader that is too slow is cut, not buffered for', async () => {
  gateway = await TestGateway.start({ limits: { outboundBytes: 32_768 } });
  const miner = await gateway.miner();
  await miner.setup();
  miner.socket.pause();
  for (let count = 0; count < 2_000 && gateway.gateway.connections.size > 0; count++)
    miner.send(SubmitSharesExtended, {
      channelId: 9,
      sequenceNumber: count,
      jobId: 16,
      nonce: 1,
      ntime: 1,
      version: 1,
      extranonce: new Uint8Array(13),
    });
  await expect.poll(() => gateway.counters.closed['slow-reader'], { timeout: 10_000 }).toBe(1);
  expect(gateway.gateway.connections.size).toBe(0);
});

test('a reader that takes nothing is cut after a while', async () => {
  gateway = await TestGateway.start();
  const miner = await gateway.miner();
  await miner.setup();
  miner.socket.pause();
  for (let count = 0; count < 2_000; count++)
    miner.send(SubmitSharesExtended, {
      channelId: 9,
      sequenceNumber: count,
      jobId: 16,
      nonce: 1,
      ntime: 1,
      version: 1,
      extranonce: new Uint8Array(13),
    });
  await expect.poll(() => gateway.counters.sharesRefused['invalid-channel-id'], { timeout: 10_000 }).toBe(2_000);
  gateway.gateway.sweep();
  gateway.clock.advance(29_000);
  gateway.gateway.sweep();
  expect(gateway.gateway.connections.size).toBe(1);
  gateway.clock.advance(1_000);
  gateway.gateway.sweep();
  expect(gateway.counters.closed['stalled-reader']).toBe(1);
});

test('a peer that sends too much, where a refusal counts as ten messages, is read later and loses nothing', async () => {
  gateway = await TestGateway.start({ limits: { messagesPerSecond: 1_000 } });
  const miner = await gateway.miner();
  await miner.setup();
  for (let count = 0; count < 1_010; count++)
    miner.send(SubmitSharesExtended, {
      channelId: 9,
      sequenceNumber: count,
      jobId: 16,
      nonce: 1,
      ntime: 1,
      version: 1,
      extranonce: new Uint8Array(13),
    });
  for (let count = 0; count < 1_010; count++)
    expect(await miner.expect(SubmitSharesError)).toMatchObject({ sequenceNumber: count });
  expect(gateway.counters.heldBack).toBeGreaterThan(0);
});

test('connections of one address that send too much together are read later, and lose nothing', async () => {
  gateway = await TestGateway.start({ limits: { messagesPerSecondPerAddress: 1_000 } });
  const miners = [await gateway.miner(), await gateway.miner()];
  for (const miner of miners) await miner.setup();
  for (const miner of miners)
    for (let count = 0; count < 510; count++)
      miner.send(UpdateChannel, { channelId: 9, nominalHashRate: 1, maximumTarget: new Uint8Array(32).fill(0xff) });
  for (const miner of miners)
    for (let count = 0; count < 510; count++)
      expect(await miner.expect(UpdateChannelError)).toMatchObject({ channelId: 9 });
  expect(gateway.counters.heldBack).toBe(0);
  expect(gateway.counters.heldBackAddress).toBeGreaterThan(0);
  expect(gateway.counters.updatesRefused['invalid-channel-id']).toBe(1_020);
});

test('of handshakes that come at once some are answered in a turn, the others when everybody else was read', async () => {
  gateway = await TestGateway.start();
  const act1 = Buffer.alloc(64, 7);
  const sockets = Array.from({ length: 40 }, (_, index) => gateway.connect(`192.0.2.${index}`));
  const answered = sockets.map((socket) => once(socket, 'data'));
  for (const socket of sockets) socket.write(act1);
  await new Promise((resolve) => setImmediate(resolve));
  expect(gateway.counters.handshakes).toBe(4);
  await Promise.all(answered);
  expect(gateway.counters).toMatchObject({ handshakes: 40, heldBack: 0, heldBackAddress: 0 });
});

test('what a handler throws ends its connection alone', async () => {
  const miner = await ready();
  const other = await gateway.miner();
  gateway.clock.now = () => {
    throw new Error('a fault of ours');
  };
  miner.send(SubmitSharesExtended, {
    channelId: 2,
    sequenceNumber: 1,
    jobId: 16,
    nonce: 1,
    ntime: 1,
    version: 1,
    extranonce: new Uint8Array(13),
  });
  await miner.untilClosed();
  expect(gateway.counters.closed['handler-failed']).toBe(1);
  expect(other.closed).toBe(false);
});

test('frames that no client should send end in an answer, in nothing, or in a close with a reason', async () => {
  gateway = await TestGateway.start({ limits: { messagesPerSecond: 1_000_000 } });
  const random = randomGenerator(20_240_601);
  let miner: TestMiner | undefined;
  for (let count = 0; count < 3_000; count++) {
    if (miner === undefined || miner.closed) {
      miner = await gateway.miner();
      await miner.setup();
    }
    miner.sendFrame(fuzzedFrame(random));
    miner.received.length = 0;
    if (count % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(gateway.counters.closed['handler-failed']).toBe(0);
  expect(gateway.counters.closed['malformed-message']).toBeGreaterThan(10);
  expect(gateway.gateway.connections.size).toBeLessThanOrEqual(1);
});
