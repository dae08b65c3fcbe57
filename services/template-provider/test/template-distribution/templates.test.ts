// Who is told of which template, and when: a scripted node, and clients with real Noise.
import { compactToTarget, targetToBytes } from '@sluice/bitcoin/target';
import { NewTemplate } from '@sluice/sv2/messages/template-distribution/new-template';
import { TemplateSetNewPrevHash } from '@sluice/sv2/messages/template-distribution/set-new-prev-hash';
import { afterEach, describe, expect, it } from 'vitest';
import {
  EASY_NBITS,
  TestDistribution,
  type TestDistributionOptions,
  transaction,
} from '../support/test-distribution.ts';

const running: TestDistribution[] = [];

async function start(options: TestDistributionOptions = {}): Promise<TestDistribution> {
  const test = await TestDistribution.start(options);
  running.push(test);
  return test;
}

afterEach(async () => {
  for (const test of running.splice(0)) {
    await test.stop();
    test.remove();
  }
});

const bytes = (value: Uint8Array) => Buffer.from(value);

describe('a client of template distribution', () => {
  it('is told the template of the tip, and the tip that it is for', async () => {
    const test = await start();
    const tip = test.newTip();
    const prepared = test.newTemplate([transaction(1), transaction(2)]);
    const client = await test.client();
    client.constrain(50, 1);
    const { template, tip: told } = await client.begin();
    expect(template).toMatchObject({
      version: 0x2000_0000,
      coinbaseTxVersion: 2,
      coinbaseTxInputSequence: 0xfffffffe,
      coinbaseTxValueRemaining: prepared.coinbaseValue,
      coinbaseTxOutputsCount: 1,
      coinbaseTxLocktime: tip.height,
    });
    expect(bytes(template.coinbasePrefix)).toEqual(bytes(prepared.coinbasePrefix));
    // One output, without a count before it: value, length, script.
    expect(bytes(template.coinbaseTxOutputs)).toEqual(bytes(prepared.coinbaseOutputs));
    expect(template.coinbaseTxOutputs).toHaveLength(8 + 1 + 38);
    expect(template.merklePath.map(bytes)).toEqual(prepared.merklePath.map(bytes));
    expect(told).toMatchObject({ headerTimestamp: test.nowSeconds, nBits: EASY_NBITS });
    expect(bytes(told.prevHash)).toEqual(bytes(tip.hash));
    expect(bytes(told.target)).toEqual(bytes(targetToBytes(compactToTarget(EASY_NBITS))));
    expect(await client.silence()).toBe(true);
  });

  it('waits for the first template', async () => {
    const test = await start();
    const client = await test.client();
    client.constrain(50);
    expect(await client.silence()).toBe(true);
    test.newTip();
    expect(await client.silence()).toBe(true);
    test.newTemplate();
    await client.begin();
  });

  it('is told a tip at its news, with a block of the coinbase alone, and then what the node made', async () => {
    const test = await start();
    test.newTip();
    test.newTemplate([transaction(1)]);
    const client = await test.client();
    client.constrain(50);
    const first = await client.begin();
    const tip = test.newTip();
    const empty = await client.begin();
    expect(bytes(empty.tip.prevHash)).toEqual(bytes(tip.hash));
    expect(empty.template).toMatchObject({
      merklePath: [],
      coinbaseTxLocktime: tip.height,
      coinbaseTxValueRemaining: 5_000_000_000n,
      coinbaseTxInputSequence: 0xfffffffe,
    });
    const prepared = test.newTemplate([transaction(2), transaction(3)]);
    const { template } = await client.update(empty);
    expect(template.coinbaseTxValueRemaining).toBe(prepared.coinbaseValue);
    const ids = [first, empty, { template }].map(({ template: { templateId } }) => templateId);
    expect(ids).toEqual([...ids].sort((a, b) => Number(a - b)));
    expect(await test.metric('tip_seconds')).toBeGreaterThanOrEqual(0);
  });

  it('holds the template for the next height before its tip, where that is asked for', async () => {
    const test = await start({ ahead: true });
    const first = test.newTip();
    test.newTemplate([transaction(1)]);
    const client = await test.client();
    client.constrain(50);
    await client.begin();
    const ahead = await client.expect(NewTemplate);
    expect(ahead).toMatchObject({ futureTemplate: true, coinbaseTxLocktime: first.height + 1, merklePath: [] });
    const tip = test.newTip();
    const told = await client.expect(TemplateSetNewPrevHash);
    expect(told.templateId).toBe(ahead.templateId);
    expect(bytes(told.prevHash)).toEqual(bytes(tip.hash));
    expect(await client.expect(NewTemplate)).toMatchObject({
      futureTemplate: true,
      coinbaseTxLocktime: tip.height + 1,
    });
    test.newTemplate([transaction(2)]);
    expect(await client.expect(NewTemplate)).toMatchObject({ futureTemplate: false });
  });

  it.each([
    ['two blocks at once', (last: number) => ({ height: last + 2, parent: new Uint8Array(32).fill(3) })],
    [
      'a block beside the last one',
      (last: number) => ({ height: last, parent: new Uint8Array(32).fill(3), chainwork: 1_000n }),
    ],
    ['a retarget', () => ({ nextNbits: 0 })],
  ])('waits for the node after %s', async (_, changes) => {
    const test = await start({ ahead: true });
    test.newTip();
    test.newTemplate();
    const client = await test.client();
    client.constrain(50);
    await client.begin();
    await client.expect(NewTemplate);
    const tip = test.newTip(changes(test.tip.height));
    expect(await client.silence()).toBe(true);
    test.newTemplate();
    const work = await client.begin();
    expect(bytes(work.tip.prevHash)).toEqual(bytes(tip.hash));
  });

  it('has none told ahead that a retarget would void', async () => {
    const test = await start({ ahead: true, network: 'mainnet' });
    test.newTip({ height: 2014 });
    test.newTemplate();
    const client = await test.client();
    client.constrain(50);
    await client.begin();
    expect(await client.silence()).toBe(true);
  });

  it('is told a better template when it pays materially more, or after a while', async () => {
    const test = await start();
    test.newTip();
    test.newTemplate([transaction(1)]);
    const client = await test.client();
    client.constrain(50);
    const work = await client.begin();
    test.newTemplate([transaction(1), transaction(2, 400, 999n)]);
    test.pass(6_000);
    expect(await client.silence()).toBe(true);
    const better = test.newTemplate([transaction(1), transaction(2, 400, 1_000n)]);
    expect((await client.update(work)).template.coinbaseTxValueRemaining).toBe(better.coinbaseValue);
    const best = test.newTemplate([transaction(1), transaction(3, 400, 90_000n)]);
    test.pass(4_000);
    expect(await client.silence()).toBe(true);
    test.pass(1_000);
    expect((await client.update(work)).template.coinbaseTxValueRemaining).toBe(best.coinbaseValue);
    test.newTemplate([transaction(1)]);
    test.pass(29_000);
    expect(await client.silence()).toBe(true);
    test.pass(1_000);
    await client.update(work);
  });

  it("is told another node's template at once", async () => {
    const test = await start();
    test.newTip();
    test.newTemplate([transaction(1)]);
    const client = await test.client();
    client.constrain(50);
    const work = await client.begin();
    test.newTemplate([transaction(2)], {}, 'other');
    await client.update(work);
  });

  it('begins anew when the target of the same tip falls, as on a test network', async () => {
    const test = await start();
    test.newTip();
    test.newTemplate([], { nbits: 0x1d00ffff });
    const client = await test.client();
    client.constrain(50);
    expect((await client.begin()).tip.nBits).toBe(0x1d00ffff);
    test.newTemplate([], { nbits: EASY_NBITS });
    expect((await client.begin()).tip.nBits).toBe(EASY_NBITS);
  });
});

describe('constraints', () => {
  const full = () => Array.from({ length: 10 }, (_, index) => transaction(index, 399_700));

  it('drop transactions from the end, with their fees', async () => {
    const test = await start();
    test.newTip();
    test.newTemplate(full());
    const [small, large] = [await test.client(), await test.client()];
    small.constrain(100, 4);
    large.constrain(20_000, 4);
    const all = await small.begin();
    const fewer = await large.begin();
    expect(all.template.coinbaseTxValueRemaining - fewer.template.coinbaseTxValueRemaining).toBe(1_000n);
    expect(fewer.template.merklePath).not.toEqual(all.template.merklePath);
    expect(fewer.template.coinbaseTxOutputs).not.toEqual(all.template.coinbaseTxOutputs);
    expect(await test.metric('reserves')).toBe(2);
  });

  it('share a template and its transactions where nothing has to be dropped', async () => {
    const test = await start();
    test.newTip();
    test.newTemplate([transaction(1)]);
    for (const size of [100, 20_000, 60_000]) {
      const client = await test.client();
      client.constrain(size);
      await client.begin();
    }
    expect(test.store.count).toBe(1);
  });

  it('may change: the client begins anew with what is left for it, under a larger id', async () => {
    const test = await start();
    test.newTip();
    test.newTemplate(full());
    const [small, client] = [await test.client(), await test.client()];
    small.constrain(100);
    await small.begin();
    client.constrain(100_000);
    const large = await client.begin();
    client.constrain(100);
    const again = await client.begin();
    expect(again.template.templateId).toBeGreaterThan(large.template.templateId);
    expect(again.template.coinbaseTxValueRemaining).toBeGreaterThan(large.template.coinbaseTxValueRemaining);
    client.constrain(100);
    expect((await client.begin()).template.templateId).toBeGreaterThan(again.template.templateId);
    expect(await small.silence()).toBe(true);
    expect(test.store.count).toBe(2);
  });

  it('are met by the next template when the node has a newer one than it told', async () => {
    const test = await start();
    test.newTip();
    test.newTemplate(full());
    test.gone = true;
    const client = await test.client();
    client.constrain(20_000);
    expect(await client.silence()).toBe(true);
    test.gone = false;
    test.newTemplate(full());
    await client.begin();
  });

  it('are met in a second when the newer template does not come after all', async () => {
    const test = await start();
    test.newTip();
    test.newTemplate(full());
    test.gone = true;
    const client = await test.client();
    client.constrain(20_000);
    expect(await client.silence()).toBe(true);
    test.gone = false;
    test.pass(1_000);
    await client.begin();
  });

  it('that no block holds end the connection', async () => {
    const test = await start();
    const clients = [await test.client(), await test.client(), await test.client()];
    clients[0]?.constrain(999_708, 20_000);
    clients[1]?.constrain(999_709);
    clients[2]?.constrain(0, 20_001);
    await clients[1]?.untilClosed();
    await clients[2]?.untilClosed();
    expect(await test.metric('connections_closed_total', { reason: 'constraints-too-large' })).toBe(2);
    expect(await clients[0]?.silence()).toBe(true);
    expect(clients[0]?.closed).toBe(false);
    test.newTip();
    test.newTemplate(full());
    expect((await clients[0]?.begin())?.template.merklePath).toEqual([]);
  });

  it('that a server above cannot meet end the connection, with one warning, and leave the others alone', async () => {
    const test = await start();
    test.cannotShrink = true;
    test.newTip();
    test.newTemplate([transaction(1)]);
    const modest = await test.client();
    modest.constrain(100);
    await modest.begin();
    for (const size of [5_000, 5_001]) {
      const client = await test.client();
      client.constrain(size);
      await client.untilClosed();
      expect(client.received).toEqual([]);
    }
    const reason = { reason: 'constraints-above-source' };
    expect(await test.metric('connections_closed_total', reason)).toBe(2);
    const warnings = test.logged.filter(({ msg, level }) => level === 'warn' && String(msg).includes('need more room'));
    expect(warnings).toMatchObject([{ outputsSize: 8_192 }]);
    test.newTip();
    test.newTemplate([transaction(2)]);
    await modest.update(await modest.begin());
    expect(modest.closed).toBe(false);
  });
});

describe('bodies', () => {
  it('of what clients work on are live, and those of the last tip are not', async () => {
    const test = await start();
    test.newTip();
    test.newTemplate([transaction(1)]);
    const client = await test.client();
    client.constrain(50);
    await client.begin();
    test.pass(1_000);
    const [first] = test.live;
    expect(first).toMatchObject({ provider: 'a' });
    test.newTip();
    const empty = await client.begin();
    test.pass(1_000);
    expect(test.live).toEqual([]);
    test.newTemplate([transaction(2)]);
    await client.update(empty);
    test.pass(1_000);
    expect(test.live).toHaveLength(1);
    expect(test.live[0]?.templateId).toBeGreaterThan(first?.templateId ?? 0n);
  });
});
