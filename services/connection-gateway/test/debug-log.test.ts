// What a peer does wrong stands in the log at debug, with a reason that a developer of firmware can use, and nothing of it above debug.
import { ACT_1_LENGTH } from '@sluice/noise/responder';
import { encodeFrame, FRAME_HEADER_SIZE } from '@sluice/sv2/frames';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { SubmitSharesStandard } from '@sluice/sv2/messages/mining/submit-shares-standard';
import { UpdateChannel } from '@sluice/sv2/messages/mining/update-channel';
import { afterEach, expect, test } from 'vitest';
import { TestGateway } from './support/test-gateway.ts';
import { setupConnection, type TestMiner } from './support/test-miner.ts';

let gateway: TestGateway;
afterEach(() => gateway.stop());

interface Case {
  readonly name: string;
  act(miner: TestMiner): void;
  readonly line: Record<string, unknown>;
}

const cut = (miner: TestMiner): Uint8Array => {
  const frame = encodeFrame(OpenStandardMiningChannel, miner.openMessage({})).slice(0, -3);
  frame[3] = frame.length - FRAME_HEADER_SIZE;
  return frame;
};

const cases: readonly Case[] = [
  {
    name: 'a payload that ends too early',
    act: (miner) => miner.sendFrame(cut(miner)),
    line: {
      reason: 'malformed-message',
      detail: expect.stringMatching(/^payload-truncated at OpenStandardMiningChannel/),
    },
  },
  {
    name: 'a share that ends too early',
    act: (miner) => miner.sendFrame(Uint8Array.of(0, 0x80, SubmitSharesStandard.type, 4, 0, 0, 2, 0, 0, 0)),
    line: { reason: 'malformed-message', detail: 'payload-truncated at SubmitSharesStandard' },
  },
  {
    name: 'a header that announces more than its message can have',
    act: (miner) => miner.sendFrame(Uint8Array.of(0, 0, OpenStandardMiningChannel.type, 0xff, 0xff, 0xff)),
    line: { reason: 'payload-too-long', detail: 'payload-too-long' },
  },
  {
    name: 'an unknown message',
    act: (miner) => miner.sendFrame(Uint8Array.of(0x34, 0x12, 0x99, 3, 0, 0, 1, 2, 3)),
    line: { extension: 0x1234, msgType: 0x99, bytes: 3, msg: 'no message for this server' },
  },
  {
    name: 'a message of servers',
    act: (miner) =>
      miner.send(NewMiningJob, {
        ...{ channelId: 2, jobId: 1, minNtime: undefined, version: 0, merkleRoot: new Uint8Array(32) },
      }),
    line: { msgType: NewMiningJob.type, msg: 'no message for this server' },
  },
  {
    name: 'a second SetupConnection',
    act: (miner) => miner.send(SetupConnection, setupConnection()),
    line: { msg: 'SetupConnection once more' },
  },
  {
    name: 'the end of a channel that there is not',
    act: (miner) => miner.send(CloseChannel, { channelId: 77, reasonCode: 'who' }),
    line: { channelId: 77, msg: 'CloseChannel for no channel was ignored' },
  },
];

test.each(cases)('$name', async ({ act, line }) => {
  gateway = await TestGateway.start({ logLevel: 'debug' });
  const miner = await gateway.miner();
  await miner.setup();
  act(miner);
  await expect
    .poll(() => gateway.logged)
    .toContainEqual(expect.objectContaining({ level: 'debug', connection: 1, ...line }));
  expect(gateway.logged.filter(({ level }) => level !== 'debug')).toEqual([]);
});

test('anything before SetupConnection', async () => {
  gateway = await TestGateway.start({ logLevel: 'debug' });
  const miner = await gateway.miner();
  miner.send(CloseChannel, { channelId: 1, reasonCode: '' });
  await miner.untilClosed();
  const detail = `extension 0, message ${CloseChannel.type}`;
  expect(gateway.logged).toContainEqual(expect.objectContaining({ level: 'debug', reason: 'setup-not-first', detail }));
});

test('bytes that no handshake has made', async () => {
  gateway = await TestGateway.start({ logLevel: 'debug' });
  const socket = gateway.connect();
  socket.resume();
  socket.write(new Uint8Array(ACT_1_LENGTH + 100).fill(7));
  await new Promise((resolve) => socket.once('end', resolve));
  const line = { level: 'debug', remote: '192.0.2.1', reason: 'decryption-failed', detail: 'decryption-failed' };
  expect(gateway.logged).toContainEqual(expect.objectContaining(line));
});

test('the miner and its system end the connection', async () => {
  gateway = await TestGateway.start({ logLevel: 'debug' });
  gateway.connect().end();
  await expect.poll(() => gateway.logged).toContainEqual(expect.objectContaining({ reason: 'left-before-handshake' }));
  const probe = await gateway.miner();
  probe.socket.end();
  await expect.poll(() => gateway.logged).toContainEqual(expect.objectContaining({ reason: 'left-before-setup' }));
  const broken = await gateway.miner();
  await broken.setup();
  [...gateway.gateway.connections.values()][0]?.cut('socket-error', 'ECONNRESET');
  expect(gateway.logged).toContainEqual(expect.objectContaining({ reason: 'socket-error', detail: 'ECONNRESET' }));
});

test('a device is followed from its connection to why it left', async () => {
  gateway = await TestGateway.start({ logLevel: 'debug' });
  const miner = await gateway.miner();
  await miner.setup(1, { vendor: 'Acme', firmware: 'v\u00071', deviceId: 'rig-7' });
  const { channelId } = await miner.openStandard({ userIdentity: 'acme.1' });
  miner.send(SubmitSharesStandard, { channelId, sequenceNumber: 1, jobId: 999, nonce: 0, ntime: 0, version: 0 });
  miner.send(UpdateChannel, { channelId, nominalHashRate: 1e9, maximumTarget: new Uint8Array(32).fill(0xff) });
  await expect.poll(() => gateway.logged).toContainEqual(expect.objectContaining({ msg: 'SetTarget', channelId }));
  miner.send(OpenStandardMiningChannel, miner.openMessage({ userIdentity: 'acme\u0007' }));
  await expect.poll(() => gateway.logged).toContainEqual(expect.objectContaining({ msg: 'channel refused' }));
  miner.socket.end();
  await expect.poll(() => gateway.logged).toContainEqual(expect.objectContaining({ msg: 'connection closed' }));
  expect(gateway.logged).toMatchObject([
    { msg: 'connection accepted', connection: 1, remote: '192.0.2.1' },
    { msg: 'SetupConnection', vendor: 'Acme', firmware: 'v\ufffd1', device: 'rig-7', flags: '0x1', versions: '2-2' },
    { msg: 'channel opened', channelId, kind: 'standard', identity: 'acme.1', difficulty: expect.any(Number) },
    { msg: 'share refused', channelId, jobId: 999, code: 'invalid-job-id' },
    { msg: 'SetTarget', channelId, difficulty: expect.any(Number) },
    { msg: 'channel refused', identity: 'acme\ufffd', code: 'invalid-user-identity' },
    { reason: 'peer-closed', after: 'OpenMiningChannel.Error invalid-user-identity', msg: 'connection closed' },
  ]);
});

test('a device that speaks Stratum V1 is closed at once and its owner told, though not at every attempt', async () => {
  gateway = await TestGateway.start({ logLevel: 'debug' });
  const attempt = async (count: number) => {
    gateway.connect('::ffff:192.168.1.9').write('{"id": 1, "method": "mining.subscribe", "params": []}\n');
    await expect.poll(() => gateway.counters.closed['stratum-v1']).toBe(count);
  };
  await attempt(1);
  await attempt(2);
  const told = () => gateway.logged.filter(({ level }) => level === 'warn').map(({ msg }) => msg);
  const line = '192.168.1.9 speaks Stratum V1; this port speaks Stratum V2';
  expect(told()).toEqual([line]);
  gateway.clock.advance(60_000);
  await attempt(3);
  expect(told()).toEqual([line, line]);
});
