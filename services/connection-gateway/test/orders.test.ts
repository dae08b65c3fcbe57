// Orders over HTTP to move miners away, at the service as a process runs it, on real sockets.
import type { Socket } from 'node:net';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import { afterEach, expect, test } from 'vitest';
import { TestService } from './support/test-service.ts';

const REFUSED = 'sluice_gateway_connections_refused_total{limit="draining"}';

let service: TestService;
afterEach(() => service.dispose());

test('all go after their share under way was answered, nobody else comes, and the gateway stays ready until it takes them again', async () => {
  // Longer than the test: a share is stored because its miner is to go, or not at all.
  service = await TestService.start({ shareWindowMs: 60_000 });
  const miner = await service.miner();
  const silent = await service.connect();
  miner.send(SubmitSharesExtended, {
    ...{ channelId: 2, sequenceNumber: 1, jobId: 16, nonce: 1, version: 0x20000000 },
    ntime: Math.floor(Date.now() / 1_000),
    extranonce: new Uint8Array(13),
  });
  await expect.poll(() => service.metric('sluice_gateway_shares_accepted_total')).toBe(1);
  expect(await service.metric('sluice_gateway_shares_stored_total')).toBe(0);

  const order = 'order=drain%201&keep=0&seconds=1';
  expect(await service.drain('POST', order)).toMatchObject({ status: 200, body: { order: 'drain 1' } });
  await expect.poll(() => miner.closed).toBe(true);
  expect(miner.received.map(({ name }) => name)).toContain(SubmitSharesSuccess.name);
  await expect.poll(() => silent.destroyed).toBe(true);
  await expect.poll(() => service.progress()).toEqual({ connections: 0, order: 'drain 1', left: 0 });
  expect(await service.metric('sluice_gateway_connections_closed_total{reason="drained"}')).toBe(2);

  const refused = await service.connect();
  expect([refused.destroyed, refused.bytesRead]).toEqual([true, 0]);
  expect([await service.metric(REFUSED), await service.metric('sluice_gateway_draining')]).toEqual([1, 1]);
  expect(service.health.readiness().ready).toBe(true);
  expect(await service.drain('POST', order)).toMatchObject({ body: { order: 'drain 1', left: 0 } });

  expect(await service.drain('DELETE')).toEqual({ status: 200, body: { connections: 0, order: null, left: 0 } });
  await service.miner();
  expect(await service.progress()).toEqual({ connections: 1, order: null, left: 0 });
  expect([await service.metric(REFUSED), await service.metric('sluice_gateway_draining')]).toEqual([1, 0]);
});

test('an order over the bus is one as over HTTP: the gateway stays ready, and takes miners again when it is taken back', async () => {
  service = await TestService.start();
  const before = await service.connect();
  service.tell({ kind: 'drain', deadlineMs: 100 });
  await expect.poll(() => before.destroyed).toBe(true);
  await expect.poll(() => service.progress()).toEqual({ connections: 0, order: 'bus', left: 0 });
  const refused = await service.connect();
  expect([refused.destroyed, service.health.readiness().ready]).toEqual([true, true]);
  expect(await service.metric(REFUSED)).toBe(1);
  expect((await service.drain('DELETE')).body).toEqual({ connections: 0, order: null, left: 0 });
  await service.miner();
  // Told anew it is carried out anew.
  service.tell({ kind: 'drain', deadlineMs: 100 });
  await expect.poll(() => service.progress()).toEqual({ connections: 0, order: 'bus', left: 0 });
});

test('an order that is taken back in the middle ends with its batch', async () => {
  service = await TestService.start();
  for (let count = 0; count < 30; count++) await service.connect();
  await service.drain('POST', 'order=1&keep=0&seconds=3600');
  await expect.poll(async () => (await service.progress()).connections).toBeLessThan(30);
  const { connections } = (await service.drain('DELETE')).body as { connections: number };
  expect(connections).toBeGreaterThan(0);
  await service.connect();
  // Who was not read any more at that moment goes, and nobody after them.
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect((await service.progress()).connections).toBeGreaterThanOrEqual(connections);
  // It is not taken for the order that it was once: told anew it is carried out.
  await service.drain('POST', 'order=1&keep=0&seconds=1');
  await expect.poll(() => service.progress(), { timeout: 5_000 }).toEqual({ connections: 0, order: '1', left: 0 });
});

test('of those that come after the order some are kept, though they are too many', async () => {
  service = await TestService.start();
  const before: Socket[] = [];
  for (let count = 0; count < 20; count++) before.push(await service.connect());
  expect((await service.drain('POST', 'order=rebalance&keep=2&seconds=3')).body).toMatchObject({ order: 'rebalance' });
  const after: Socket[] = [];
  for (let count = 0; count < 8; count++) after.push(await service.connect());
  await expect.poll(() => service.progress(), { timeout: 5_000 }).toMatchObject({ order: 'rebalance', left: 0 });
  await expect.poll(() => before.every(({ destroyed }) => destroyed)).toBe(true);
  expect((await service.progress()).connections).toBe(8);
  expect(after.some(({ destroyed }) => destroyed)).toBe(false);
  expect(await service.metric(REFUSED)).toBe(0);
});

test.each([0, 3])('the end of the process in the middle of an order that keeps %i is soon', async (keep) => {
  service = await TestService.start();
  const sockets: Socket[] = [];
  for (let count = 0; count < 10; count++) sockets.push(await service.connect());
  await service.drain('POST', `order=1&keep=${keep}&seconds=3600`);
  await service.stop();
  await expect.poll(() => sockets.every(({ destroyed }) => destroyed)).toBe(true);
  expect(await service.metric('sluice_gateway_connections_closed_total{reason="drained"}')).toBe(10);
  expect(await service.metric('sluice_gateway_draining')).toBe(1);
});

test('what is no order is refused and changes nothing', async () => {
  service = await TestService.start();
  for (const query of [
    '',
    'order=&keep=0&seconds=1',
    `order=${'x'.repeat(65)}&keep=0&seconds=1`,
    'order=%0a&keep=0&seconds=1',
    'order=1&seconds=1',
    'order=1&keep=-1&seconds=1',
    'order=1&keep=1000001&seconds=1',
    'order=1&keep=0',
    'order=1&keep=0&seconds=0',
    'order=1&keep=0&seconds=3601',
    'order=1&keep=0&seconds=1.5',
  ])
    expect(await service.drain('POST', query), query).toMatchObject({
      status: 400,
      body: { error: expect.any(String) },
    });
  expect(await service.progress()).toEqual({ connections: 0, order: null, left: 0 });
});
