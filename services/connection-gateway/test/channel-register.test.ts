import { BLOCK_CHANNELS } from '@sluice/bus/payloads/channel';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { afterEach, beforeEach, expect, test } from 'vitest';
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
