import { RequestTransactionData } from '@sluice/sv2/messages/template-distribution/request-transaction-data';
import { RequestTransactionDataError } from '@sluice/sv2/messages/template-distribution/request-transaction-data-error';
import { RequestTransactionDataSuccess } from '@sluice/sv2/messages/template-distribution/request-transaction-data-success';
import { afterEach, expect, it, vi } from 'vitest';
import { TestDistribution, type TestDistributionOptions, transaction } from '../support/test-distribution.ts';

const running: TestDistribution[] = [];

afterEach(async () => {
  for (const test of running.splice(0)) {
    await test.stop();
    test.remove();
  }
});

async function withWork(options: TestDistributionOptions = {}, transactions = [transaction(1), transaction(2)]) {
  const test = await TestDistribution.start(options);
  running.push(test);
  test.newTip();
  test.newTemplate(transactions);
  const client = await test.client();
  client.constrain(50);
  const { template } = await client.begin();
  return { test, client, templateId: template.templateId };
}

it('gives the transactions of a template in the order of the block, without excess data', async () => {
  const { client, templateId } = await withWork();
  client.send(RequestTransactionData, { templateId });
  const success = await client.expect(RequestTransactionDataSuccess);
  expect(success).toMatchObject({ templateId });
  expect(success.excessData).toHaveLength(0);
  expect(success.transactionList.map((bytes) => bytes[0])).toEqual([1, 2]);
});

it('gives none of a block of the coinbase alone', async () => {
  const { test, client } = await withWork();
  test.newTip();
  const { template } = await client.begin();
  client.send(RequestTransactionData, { templateId: template.templateId });
  expect((await client.expect(RequestTransactionDataSuccess)).transactionList).toEqual([]);
});

it('gives those of the last tip for ten seconds more', async () => {
  const { test, client, templateId } = await withWork();
  test.newTip();
  await client.begin();
  test.clock.advance(9_999);
  client.send(RequestTransactionData, { templateId });
  await client.expect(RequestTransactionDataSuccess);
  test.clock.advance(1);
  client.send(RequestTransactionData, { templateId });
  expect(await client.expect(RequestTransactionDataError)).toEqual({ templateId, errorCode: 'stale-template-id' });
  expect(await test.metric('transaction_requests_total', { outcome: 'stale-template-id' })).toBe(1);
});

it('does not give those of the tip before the last', async () => {
  const { test, client, templateId } = await withWork();
  test.newTip();
  test.newTip();
  await client.begin();
  await client.begin();
  client.send(RequestTransactionData, { templateId });
  expect(await client.expect(RequestTransactionDataError)).toEqual({ templateId, errorCode: 'stale-template-id' });
});

it.each([
  ['that was never told', async () => undefined, 7n],
  ['whose transactions are gone', async () => undefined, undefined],
  ['whose transactions cannot be read', () => Promise.reject(new Error('EIO')), undefined],
])('knows no template %s', async (_, get, id) => {
  const { test, client, templateId } = await withWork();
  vi.spyOn(test.store, 'get').mockImplementation(get);
  client.send(RequestTransactionData, { templateId: id ?? templateId });
  expect(await client.expect(RequestTransactionDataError)).toEqual({
    templateId: id ?? templateId,
    errorCode: 'template-id-not-found',
  });
});

it('answers one request after the other, and ends a connection that has too many', async () => {
  const { test, client, templateId } = await withWork({ limits: { pendingRequests: 3 } });
  const read = Promise.withResolvers<void>();
  const get = test.store.get.bind(test.store);
  const spied = vi.spyOn(test.store, 'get').mockImplementation(async (...names) => {
    await read.promise;
    return get(...names);
  });
  for (let count = 0; count < 3; count += 1) client.send(RequestTransactionData, { templateId });
  await client.silence();
  expect(spied).toHaveBeenCalledTimes(1);
  read.resolve();
  for (let count = 0; count < 3; count += 1) await client.expect(RequestTransactionDataSuccess);
  spied.mockImplementation(() => new Promise(() => undefined));
  for (let count = 0; count < 4; count += 1) client.send(RequestTransactionData, { templateId });
  await client.untilClosed();
  expect(await test.metric('connections_closed_total', { reason: 'too-many-requests' })).toBe(1);
  spied.mockRestore();
  running[0]?.server.clients.clear();
});

const large = (number: number) => ({ ...transaction(number), data: new Uint8Array(400_000).fill(number) });

it('sends a slow reader the transactions of one template at a time, and cuts one that reads nothing', async () => {
  const limits = { outboundBytes: 900_000, drainedBytes: 50_000, outboundStallMs: 5_000, messagesPerSecond: 1_000 };
  const { test, client, templateId } = await withWork({ limits }, [large(1)]);
  client.socket.pause();
  for (let count = 0; count < 4; count += 1) client.send(RequestTransactionData, { templateId });
  await client.silence(100);
  expect(await test.metric('transaction_requests_total', { outcome: 'served' })).toBe(1);
  client.socket.resume();
  for (let count = 0; count < 4; count += 1) await client.expect(RequestTransactionDataSuccess);
  client.socket.pause();
  client.send(RequestTransactionData, { templateId });
  await client.silence(100);
  test.pass(1_000);
  test.pass(5_000);
  await client.silence();
  expect(await test.metric('connections_closed_total', { reason: 'stalled-reader' })).toBe(1);
});

it('cuts a reader for whom more waits than its bound', async () => {
  const { test, client, templateId } = await withWork({ limits: { outboundBytes: 300_000 } }, [large(1)]);
  client.send(RequestTransactionData, { templateId });
  await client.untilClosed();
  expect(await test.metric('connections_closed_total', { reason: 'slow-reader' })).toBe(1);
});
