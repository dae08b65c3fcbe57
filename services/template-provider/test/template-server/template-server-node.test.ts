// The source of work over servers that do right, and the blocks that it gives back.

import { assembleBlock } from '@sluice/bitcoin/block';
import { buildCoinbase, encodeHeightPush, witnessCoinbase } from '@sluice/bitcoin/coinbase';
import { sha256d } from '@sluice/bitcoin/hash';
import { encodeHeader } from '@sluice/bitcoin/header';
import { foldMerklePath } from '@sluice/bitcoin/merkle';
import { subsidy } from '@sluice/bitcoin/network';
import { concatBytes } from '@sluice/bitcoin/serialize';
import { decodeTransaction } from '@sluice/bitcoin/transaction';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { CoinbaseOutputConstraints } from '@sluice/sv2/messages/template-distribution/coinbase-output-constraints';
import { RequestTransactionData } from '@sluice/sv2/messages/template-distribution/request-transaction-data';
import { RequestTransactionDataError } from '@sluice/sv2/messages/template-distribution/request-transaction-data-error';
import { SubmitSolution } from '@sluice/sv2/messages/template-distribution/submit-solution';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { decodeTemplateBody } from '../../src/template-body.ts';
import { HOLD_BACK_MS } from '../../src/template-server/server-templates.ts';
import { TIP_OF_BLOCK_MS } from '../../src/template-server/template-server-node.ts';
import { begun, holdTimers, reserve, Scripted } from './scripted-servers.ts';
import { EASY_NBITS, HEIGHT, hash, newTemplate, TIME, transaction } from './told-templates.ts';

const [a, b] = [transaction(1), transaction(2)];
const future = { futureTemplate: true };

afterEach(() => void vi.useRealTimers());

/** Without its witness. */
function strippedCoinbase(): Uint8Array {
  const { prefix, suffix } = buildCoinbase({
    ...{ version: 2, coinbasePrefix: encodeHeightPush(HEIGHT), tag: new Uint8Array(0), extranonceSize: 4 },
    ...{ sequence: 0, locktime: 0, outputs: [{ value: 1n, script: Uint8Array.of(0x51) }] },
  });
  return concatBytes(prefix, new Uint8Array(4), suffix);
}

/** A block as a pool makes it of a template, whatever its hash is. */
function blockOf(template: ReturnType<typeof newTemplate>, prevHash: Uint8Array, transactions: readonly Uint8Array[]) {
  const coinbase = decodeTransaction(witnessCoinbase(strippedCoinbase()))!;
  const merkleRoot = foldMerklePath(coinbase.txid, template.merklePath);
  const header = encodeHeader({
    version: 0x2000_1000,
    prevHash,
    merkleRoot,
    ntime: TIME + 5,
    nbits: EASY_NBITS,
    nonce: 7,
  });
  return {
    block: assembleBlock(header, coinbase.bytes, transactions),
    hash: sha256d(header),
    coinbase: coinbase.bytes,
  };
}

describe('a server that does right', () => {
  it('is asked for template distribution and for room', async () => {
    const { server } = await begun();
    expect(server.all(SetupConnection)).toMatchObject([
      { protocol: 2, minVersion: 2, maxVersion: 2, flags: 0, endpointHost: 'provider.example', endpointPort: 8442 },
    ]);
    expect(server.all(CoinbaseOutputConstraints)).toEqual([
      {
        coinbaseOutputMaxAdditionalSize: reserve.outputsSize,
        coinbaseOutputMaxAdditionalSigops: reserve.outputsSigops,
      },
    ]);
  });

  it('has its tip told at once and its template when the transactions are here', async () => {
    const scripted = new Scripted([
      (server) => {
        server.tell(newTemplate(1, [a, b], future));
        server.tip(1);
      },
    ]);
    void scripted.start();
    await scripted.until('tip 1');
    expect(scripted.tips).toEqual([
      {
        ...{ hash: hash(1), height: HEIGHT - 1, chainwork: 0n, minNtime: TIME, nextNbits: EASY_NBITS },
        ...{ seenAtMicros: expect.any(BigInt), origin: 'start' },
      },
    ]);
    await scripted.eventually(() => scripted.server.asked().length === 1);
    scripted.server.give(1, [a, b]);
    await scripted.until('well');
    expect(scripted.told).toEqual(['tip 1', 'template of 2 on 1', 'well']);
    const [template] = scripted.templates;
    expect(template).toMatchObject({
      ...{ height: HEIGHT, prevHash: hash(1), nbits: EASY_NBITS, minNtime: TIME, sigopsCost: 0, fees: 2n },
      ...{ coinbaseValue: subsidy(HEIGHT, 'regtest') + 2n, coinbaseLocktime: HEIGHT - 1, coinbaseOutputsCount: 1 },
      weight: 2 * decodeTransaction(a)!.weight,
    });
    expect(decodeTemplateBody(template!.body)).toEqual([a, b]);
  });

  it('gives a future template, fetched before the tip that it is for, at once with that', async () => {
    const scripted = await begun();
    const { server } = scripted;
    server.serve({ 2: [b] });
    server.tell(newTemplate(2, [b], { ...future, height: HEIGHT + 1 }));
    await scripted.eventually(() => server.asked().length === 2);
    expect(scripted.told).toHaveLength(3);
    server.on(RequestTransactionData, () => undefined);
    server.tip(2, { prevHash: hash(2) });
    await scripted.until('template of 1 on 2');
    expect(scripted.told.slice(3)).toEqual(['tip 2', 'template of 1 on 2']);
    expect(scripted.tips[1]).toMatchObject({ height: HEIGHT, origin: 'announcement' });
  });

  it('may name an older one of several future templates, whose transactions are asked for again', async () => {
    const scripted = await begun();
    const { server } = scripted;
    server.serve({ 2: [b], 3: [a, b] });
    for (const [id, transactions] of [
      [2, [b]],
      [3, [a, b]],
    ] as const)
      server.tell(newTemplate(id, transactions, { ...future, height: HEIGHT + 1 }));
    await scripted.eventually(() => server.asked().length === 3);
    server.tip(2, { prevHash: hash(2) });
    await scripted.until('template of 1 on 2');
    expect(server.asked()).toEqual([1, 2, 3, 2]);
  });

  it('gives newer templates of the same tip, and none that is older than what was given', async () => {
    const scripted = await begun();
    const { server } = scripted;
    server.tell(newTemplate(2, [b]));
    server.tell(newTemplate(3, [a, b]));
    await scripted.eventually(() => server.asked().length === 3);
    server.give(3, [a, b]);
    server.give(2, [b]);
    server.serve({ 4: [b] });
    server.tell(newTemplate(4, [b]));
    await scripted.until('template of 1 on 1');
    expect(scripted.told.slice(3)).toEqual(['template of 2 on 1', 'template of 1 on 1']);
  });

  it('that begins a tip with an empty block is waited for, and the fuller one is taken', async () => {
    holdTimers();
    const scripted = await begun();
    const { server } = scripted;
    server.serve({ 3: [b] });
    server.tell(newTemplate(2, [], { ...future, height: HEIGHT + 1 }));
    server.tip(2, { prevHash: hash(2) });
    await scripted.until('tip 2');
    server.tell(newTemplate(3, [b], { height: HEIGHT + 1 }));
    await scripted.until('template of 1 on 2');
    await vi.advanceTimersByTimeAsync(2 * HOLD_BACK_MS);
    expect(scripted.told.slice(3)).toEqual(['tip 2', 'template of 1 on 2']);
  });

  it('that has no more than an empty block is believed after a moment', async () => {
    holdTimers();
    const scripted = new Scripted([(server) => server.begin(1, [])]);
    void scripted.start();
    await scripted.until('tip 1');
    await vi.advanceTimersByTimeAsync(HOLD_BACK_MS - 1);
    expect(scripted.told).toEqual(['tip 1']);
    await vi.advanceTimersByTimeAsync(1);
    expect(scripted.told).toEqual(['tip 1', 'template of 0 on 1', 'well']);
    expect(scripted.server.asked()).toEqual([]);
  });

  it('may change the target of the same tip', async () => {
    const scripted = await begun();
    scripted.server.serve({ 2: [a] });
    scripted.server.tell(newTemplate(2, [a], future));
    scripted.server.tip(2, { nBits: 0x1f00ffff, headerTimestamp: TIME + 1_201 });
    await scripted.eventually(() => scripted.templates.length === 2);
    expect(scripted.templates[1]).toMatchObject({ nbits: 0x1f00ffff, minNtime: TIME + 1_201 });
    expect(scripted.tips).toHaveLength(1);
  });

  it.each(['template-id-not-found', 'stale-template-id'])(
    'may have replaced a template that is asked for: %s',
    async (errorCode) => {
      const scripted = await begun();
      const { server } = scripted;
      server.on(RequestTransactionData, ({ templateId }) => {
        if (templateId === 2n) server.send(RequestTransactionDataError, { templateId, errorCode });
        else server.give(Number(templateId), [a, b]);
      });
      server.tell(newTemplate(2, [b]));
      server.tell(newTemplate(3, [a, b]));
      await scripted.until('template of 2 on 1');
      expect(scripted.told.slice(3)).toEqual(['template of 2 on 1']);
    },
  );

  it('says no target of the next block on a network where a later block may be easier', async () => {
    const scripted = new Scripted([(server) => server.begin(1, [a])], { network: 'testnet4' });
    await scripted.start();
    expect(scripted.tips[0]?.nextNbits).toBe(0);
    expect(scripted.templates[0]).toMatchObject({ currentTime: TIME, nbits: EASY_NBITS });
  });

  it('has messages ignored that are not for a client of template distribution', async () => {
    const scripted = await begun((server) => {
      server.send(SetupConnection, server.all(SetupConnection)[0]!);
      server.sendFrame(Uint8Array.of(0, 0, 0xee, 2, 0, 0, 1, 2));
      server.begin(1, [a]);
    });
    expect(scripted.told).toEqual(['tip 1', 'template of 1 on 1', 'well']);
  });
});

describe('variants', () => {
  it('are the template itself as long as it leaves enough room', async () => {
    const { node, templates } = await begun();
    expect(await node.variant(templates[0]!, reserve)).toBe(templates[0]);
    expect(await node.variant(templates[0]!, { outputsSize: 1_001, outputsSigops: 0 })).toBe('no-room');
    expect(await node.variant(templates[0]!, { outputsSize: 0, outputsSigops: 17 })).toBe('no-room');
  });
});

describe('a block', () => {
  const template = newTemplate(1, [a]);

  it('goes back as a solution, and is accepted when it becomes the tip', async () => {
    const scripted = await begun();
    const { server, node } = scripted;
    const found = blockOf(template, hash(1), [a]);
    server.on(SubmitSolution, () => {
      server.tell(newTemplate(2, [], { ...future, height: HEIGHT + 1 }));
      server.tip(2, { prevHash: found.hash });
    });
    expect(await node.isInChain(found.hash)).toBe(false);
    expect(await node.submitBlock(found.block)).toBeNull();
    expect(server.all(SubmitSolution)).toEqual([
      {
        ...{ templateId: 1n, version: 0x2000_1000, headerTimestamp: TIME + 5, headerNonce: 7 },
        coinbaseTx: found.coinbase,
      },
    ]);
    expect(await node.isInChain(found.hash)).toBe(true);
    expect(await node.submitBlock(found.block)).toBe('duplicate');
    expect(await node.block()).toBeUndefined();
  });

  it('is inconclusive when it does not become the tip', async () => {
    const { node } = await begun();
    holdTimers();
    const answer = node.submitBlock(blockOf(template, hash(1), [a]).block);
    await vi.advanceTimersByTimeAsync(TIP_OF_BLOCK_MS);
    expect(await answer).toBe('inconclusive');
  });

  it('is not the server’s when no template of it was told', async () => {
    const { node, server } = await begun();
    expect(await node.submitBlock(blockOf(newTemplate(1, [b]), hash(1), [b]).block)).toBe('not-its-template');
    expect(await node.submitBlock(blockOf(template, hash(2), [a]).block)).toBe('not-its-template');
    expect(server.all(SubmitSolution)).toEqual([]);
    await expect(node.submitBlock(new Uint8Array(100))).rejects.toThrow('no block');
  });

  it('is known over connections, and rejected while there is none or when that ends', async () => {
    const scripted = new Scripted([
      (server) => server.begin(1, [a]),
      (server) => server.begin(5, [b], { prevHash: hash(3) }, 105),
    ]);
    await expect(scripted.node.submitBlock(blockOf(template, hash(1), [a]).block)).rejects.toThrow('not connected');
    await scripted.start();
    await scripted.until('well');
    const { block } = blockOf(template, hash(1), [a]);
    scripted.server.on(SubmitSolution, () => scripted.server.close());
    await expect(scripted.node.submitBlock(block)).rejects.toThrow('ended before');
    await scripted.until('well');
    void scripted.node.submitBlock(block).catch(() => undefined);
    await scripted.eventually(() => scripted.server.all(SubmitSolution).length === 1);
    expect(scripted.server.all(SubmitSolution)[0]?.templateId).toBe(1n);
  });

  it('of a template that was told before this process was killed goes back all the same', async () => {
    const before = await begun();
    await before.node.stop();
    const after = new Scripted([(server) => server.begin(9, [b])], { directory: before.directory });
    await after.start();
    void after.node.submitBlock(blockOf(template, hash(1), [a]).block).catch(() => undefined);
    await after.eventually(() => after.server.all(SubmitSolution).length === 1);
    expect(after.server.all(SubmitSolution)[0]?.templateId).toBe(1n);
    expect([...before.failures, ...after.failures]).toEqual([]);
  });
});
