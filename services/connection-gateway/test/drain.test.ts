import { Control } from '@sluice/bus/payloads/control';
import { silentLogger } from '@sluice/runtime/logger';
import { Reconnect } from '@sluice/sv2/messages/common/reconnect';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import { afterEach, expect, test } from 'vitest';
import { drain } from '../src/drain.ts';
import { listenToOperator } from '../src/operator-control.ts';
import { TestGateway } from './support/test-gateway.ts';

let gateway: TestGateway;
afterEach(() => gateway.stop());

const modules = (vendors: string[] = []) => ({
  batcher: gateway.gateway.batcher,
  random: () => 0.5,
  sleep: () => Promise.resolve(),
  reconnectVendors: new Set(vendors),
});

test('connections are closed after their shares under way were answered', async () => {
  gateway = await TestGateway.start();
  const miner = await gateway.miner();
  await miner.setup();
  await miner.openExtended();
  await miner.skip(2);
  miner.send(SubmitSharesExtended, {
    channelId: 2,
    sequenceNumber: 1,
    jobId: 16,
    nonce: 1,
    ntime: gateway.nowSeconds,
    version: 0x20000000,
    extranonce: new Uint8Array(13),
  });
  await new Promise((resolve) => setImmediate(resolve));
  await drain(gateway.gateway.connections, 1_000, modules());
  await miner.expect(SubmitSharesSuccess);
  await miner.untilClosed();
  expect(gateway.counters.closed.drained).toBe(1);
  expect(gateway.counters.sharesStored).toBe(1);
});

test('only vendors of the list are sent a Reconnect', async () => {
  gateway = await TestGateway.start();
  const follows = await gateway.miner();
  await follows.setup(0, { vendor: 'follower' });
  const other = await gateway.miner();
  await other.setup(0, { vendor: 'other' });
  await drain(gateway.gateway.connections, 1_000, modules(['follower']));
  expect(await follows.expect(Reconnect)).toEqual({ newHost: '', newPort: 0 });
  await follows.untilClosed();
  await other.untilClosed();
  expect(other.received).toEqual([]);
});

test('many connections go in batches over the deadline', async () => {
  gateway = await TestGateway.start();
  for (let count = 0; count < 20; count++) gateway.connect();
  let pauses = 0;
  const sleep = () => {
    pauses += 1;
    return Promise.resolve();
  };
  await drain(gateway.gateway.connections, 1_250, { ...modules(), sleep });
  expect(pauses).toBe(9);
  expect(gateway.gateway.connections.size).toBe(0);
});

test('an operator closes a channel, a connection, and drains', async () => {
  gateway = await TestGateway.start();
  const drained: number[] = [];
  const order = async (control: Control) => {
    gateway.bus.publish('control.7', Control.encode(control));
    await new Promise((resolve) => setTimeout(resolve, 5));
  };
  listenToOperator({
    bus: gateway.bus,
    log: silentLogger(),
    gateway: gateway.gateway,
    drain: (deadlineMs) => drained.push(deadlineMs),
  });
  const miner = await gateway.miner();
  await miner.setup();
  await miner.openExtended();
  await miner.skip(2);
  await order({ kind: 'closeChannel', connectionId: 1, channelId: 2, reason: 'account closed' });
  expect(await miner.expect(CloseChannel)).toEqual({ channelId: 2, reasonCode: 'account closed' });
  expect(gateway.gateway.channels).toBe(0);
  await order({ kind: 'closeConnection', connectionId: 1, reason: 'abuse' });
  await miner.untilClosed();
  await order({ kind: 'drain', deadlineMs: 500 });
  expect(drained).toEqual([500]);
});
