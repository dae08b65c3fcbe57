import { Control } from '@sluice/bus/payloads/control';
import { silentLogger } from '@sluice/runtime/logger';
import { Reconnect } from '@sluice/sv2/messages/common/reconnect';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import { afterEach, expect, test } from 'vitest';
import { type GatewayDrainModules, startDrain } from '../src/drain.ts';
import { listenToOperator } from '../src/operator-control.ts';
import { TestGateway } from './support/test-gateway.ts';

let gateway: TestGateway;
afterEach(() => gateway.stop());

/** Time is the gateway's, and passes in the pauses alone. */
const modules = (vendors: string[] = []): GatewayDrainModules => ({
  flushShares: (ms) => gateway.gateway.flushShares(ms),
  clock: gateway.clock,
  random: () => 0.5,
  sleep: async (ms) => gateway.clock.advance(ms),
  reconnectVendors: new Set(vendors),
});
const drain = (deadlineMs: number, changed: GatewayDrainModules = modules()) =>
  startDrain(gateway.gateway.connections, { keep: 0, deadlineMs }, changed);

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
  await drain(1_000).done;
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
  await drain(1_000, modules(['follower'])).done;
  expect(await follows.expect(Reconnect)).toEqual({ newHost: '', newPort: 0 });
  await follows.untilClosed();
  await other.untilClosed();
  expect(other.received).toEqual([]);
});

test('many connections go in batches over the deadline', async () => {
  gateway = await TestGateway.start();
  for (let count = 0; count < 20; count++) gateway.connect();
  const left: number[] = [];
  const before = gateway.clock.monotonic();
  const sleep = async (ms: number) => {
    left.push(gateway.gateway.connections.size);
    gateway.clock.advance(ms);
  };
  await drain(1_250, { ...modules(), sleep }).done;
  // As each pause begins: the batch before is gone, the answers of its own are waited for.
  expect(left).toEqual([20, 18, 16, 14, 12, 10, 8, 6, 4]);
  expect(gateway.clock.monotonic() - before).toBe(900);
  expect(gateway.gateway.connections.size).toBe(0);
});

test('it ends in time though the stream does not answer, and everyone goes', async () => {
  gateway = await TestGateway.start();
  for (let count = 0; count < 400; count++) gateway.connect();
  const before = gateway.clock.monotonic();
  const waits: number[] = [];
  const flushShares = async (ms: number) => {
    waits.push(ms);
    gateway.clock.advance(ms);
    return false;
  };
  await drain(5_000, { ...modules(), flushShares }).done;
  expect(gateway.clock.monotonic() - before).toBeLessThanOrEqual(5_000);
  expect(Math.max(...waits)).toBeLessThanOrEqual(1_500);
  expect(gateway.gateway.connections.size).toBe(0);
});

test('the end of the process hastens a drain, and a later order does not slow it down', async () => {
  gateway = await TestGateway.start();
  for (let count = 0; count < 100; count++) gateway.connect();
  const before = gateway.clock.monotonic();
  let pauses = 0;
  const sleep = async (ms: number) => {
    gateway.clock.advance(ms);
    pauses += 1;
    if (pauses === 3) draining.hasten(1_000);
    if (pauses === 4) draining.hasten(3_600_000);
  };
  const draining = drain(3_600_000, { ...modules(), sleep });
  await draining.done;
  expect(gateway.clock.monotonic() - before).toBeLessThanOrEqual(1_500);
});

test('a flush does not wait for shares that come after it', async () => {
  gateway = await TestGateway.start();
  const miner = await gateway.miner();
  await miner.setup();
  await miner.openExtended();
  await miner.skip(2);
  let sequenceNumber = 0;
  const submit = () => {
    sequenceNumber += 1;
    const fields = { channelId: 2, jobId: 16, ntime: gateway.nowSeconds, version: 0x20000000 };
    miner.send(SubmitSharesExtended, {
      ...fields,
      sequenceNumber,
      nonce: sequenceNumber,
      extranonce: new Uint8Array(13),
    });
  };
  const sender = setInterval(submit, 1);
  submit();
  await new Promise((resolve) => setTimeout(resolve, 20));
  for (let step = 0; step < 5; step++) expect(await gateway.gateway.batcher.flush(1_000)).toBe(true);
  clearInterval(sender);
});

test('an operator closes a channel, the channels of an account, a connection, and drains', async () => {
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
  for (const identity of ['alice', 'bob', 'alice']) {
    await miner.openExtended({ userIdentity: identity });
    await miner.skip(2);
  }
  gateway.bus.publish('control.0', Control.encode({ kind: 'closeAccount', account: 'alice', reason: 'left' }));
  expect(await miner.expect(CloseChannel)).toEqual({ channelId: 3, reasonCode: 'left' });
  expect(await miner.expect(CloseChannel)).toEqual({ channelId: 5, reasonCode: 'left' });
  expect(gateway.gateway.channels).toBe(1);
  await order({ kind: 'closeChannel', connectionId: 1, channelId: 4, reason: 'é'.repeat(300) });
  expect(await miner.expect(CloseChannel)).toEqual({ channelId: 4, reasonCode: '?'.repeat(255) });
  await order({ kind: 'closeConnection', connectionId: 1, reason: 'abuse' });
  await miner.untilClosed();
  await order({ kind: 'drain', deadlineMs: 500 });
  expect(drained).toEqual([500]);
});
