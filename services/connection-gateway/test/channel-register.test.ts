import { BLOCK_CHANNELS, type ChannelBlock } from '@sluice/bus/payloads/channel';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ChannelRegister } from '../src/channel-register.ts';
import type { GatewayChannel } from '../src/channels.ts';
import { INCARNATION, TestGateway } from './support/test-gateway.ts';
import type { TestMiner } from './support/test-miner.ts';

let gateway: TestGateway;

beforeEach(async () => {
  gateway = await TestGateway.start();
});
afterEach(() => gateway.stop());

async function open(miner: TestMiner, userIdentity: string): Promise<number> {
  const { channelId } = await miner.openExtended({ userIdentity });
  await miner.skip(2);
  return channelId;
}

async function told() {
  await gateway.gateway.register.flush();
  return [...gateway.blocks.values()].map(({ block, channels }) => [block, channels.map(({ account }) => account)]);
}

test('the registry is told of blocks that have changed, as they are', async () => {
  const miner = await gateway.miner('192.0.2.7');
  await miner.setup(0, { vendor: 'maker' });
  const first = await open(miner, 'alice');
  await open(miner, 'bob');
  expect(gateway.gateway.register.waiting).toBe(1);
  expect(await told()).toEqual([[0, ['alice', 'bob']]]);
  const connectionId = [...gateway.gateway.connections.keys()][0];
  expect(gateway.blocks.get(0)).toMatchObject({
    incarnation: INCARNATION,
    channels: [
      { connectionId, channelId: first, account: 'alice', worker: 'rig', remoteAddress: '192.0.2.7', vendor: 'maker' },
      { connectionId, account: 'bob', openedAtMs: gateway.clock.now() },
    ],
  });

  gateway.blocks.clear();
  expect(await told()).toEqual([]);
  // The registry may have forgotten.
  gateway.gateway.register.tellAll();
  expect(gateway.gateway.register.waiting).toBe(1);
  expect(await told()).toEqual([[0, ['alice', 'bob']]]);
  gateway.blocks.clear();
  miner.send(CloseChannel, { channelId: first, reasonCode: '' });
  await open(miner, 'carol');
  expect(await told()).toEqual([[0, ['bob', 'carol']]]);
  for (const connection of gateway.gateway.connections.values()) connection.cut('drained');
  expect(await told()).toEqual([[0, []]]);
});

test('a block has its share of the channels, and one that was closed leaves no room', async () => {
  const miner = await gateway.miner();
  await miner.setup();
  for (let count = 1; count < BLOCK_CHANNELS; count++) await open(miner, 'a');
  const last = await open(miner, 'b');
  miner.send(CloseChannel, { channelId: last, reasonCode: '' });
  await open(miner, 'c');
  expect(await told()).toEqual([
    [0, new Array(BLOCK_CHANNELS - 1).fill('a')],
    [1, ['c']],
  ]);
});

test('a block that could not be told is told again, as it is by then', async () => {
  const miner = await gateway.miner();
  await miner.setup();
  await open(miner, 'alice');
  gateway.registryIsUp = false;
  expect(await told()).toEqual([]);
  expect(gateway.gateway.register.waiting).toBe(1);
  await open(miner, 'bob');
  gateway.registryIsUp = true;
  expect(await told()).toEqual([[0, ['alice', 'bob']]]);
  expect(gateway.gateway.register.waiting).toBe(0);
});

test('of many blocks a few are told at a time, and no more while nobody answers', async () => {
  const told: number[] = [];
  const turns: number[] = [];
  let isUp = true;
  const register = new ChannelRegister(INCARNATION, async ({ block }: ChannelBlock) => {
    told.push(block);
    await new Promise((resolve) => setImmediate(resolve));
    return isUp;
  });
  const connection = { id: 1, remoteAddress: '192.0.2.1', setup: undefined };
  for (let block = 0; block < 50; block++)
    register.add({ id: 2, connection, channelKey: block * BLOCK_CHANNELS } as unknown as GatewayChannel);
  isUp = false;
  await register.flush();
  expect(told).toHaveLength(16);
  expect(register.waiting).toBe(50);
  isUp = true;
  told.length = 0;
  let isOver = false;
  const flushed = register.flush().then(() => {
    isOver = true;
  });
  for (; !isOver; await new Promise((resolve) => setImmediate(resolve))) turns.push(told.length);
  await flushed;
  expect(register.waiting).toBe(0);
  expect(new Set(told).size).toBe(50);
  expect(Math.max(...turns.map((count, turn) => count - (turns[turn - 1] ?? 0)))).toBe(16);
});
