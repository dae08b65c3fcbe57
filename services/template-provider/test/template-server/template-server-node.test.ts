// The source of work over servers that do right, do wrong and go away.

import { assembleBlock } from '@sluice/bitcoin/block';
import { buildCoinbase, encodeHeightPush, witnessCoinbase } from '@sluice/bitcoin/coinbase';
import { sha256d } from '@sluice/bitcoin/hash';
import { encodeHeader } from '@sluice/bitcoin/header';
import { foldMerklePath } from '@sluice/bitcoin/merkle';
import { subsidy } from '@sluice/bitcoin/network';
import { concatBytes } from '@sluice/bitcoin/serialize';
import { decodeTransaction } from '@sluice/bitcoin/transaction';
import { encodeFrame } from '@sluice/sv2/frames';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionError } from '@sluice/sv2/messages/common/setup-connection-error';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { CoinbaseOutputConstraints } from '@sluice/sv2/messages/template-distribution/coinbase-output-constraints';
import { RequestTransactionData } from '@sluice/sv2/messages/template-distribution/request-transaction-data';
import { RequestTransactionDataError } from '@sluice/sv2/messages/template-distribution/request-transaction-data-error';
import { SubmitSolution } from '@sluice/sv2/messages/template-distribution/submit-solution';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { authorityKey } from '../../../../packages/client/test/support/fake-server.ts';
import { decodeTemplateBody } from '../../src/template-body.ts';
import { HOLD_BACK_MS, TEMPLATE_DEADLINE_MS } from '../../src/template-server/server-templates.ts';
import { FIRST_WORD_MS, TIP_OF_BLOCK_MS } from '../../src/template-server/template-server-node.ts';
import {
  ANSWER_DEADLINE_MS,
  OUTSTANDING_BOUND,
  WAITING_BOUND,
} from '../../src/template-server/transaction-requests.ts';
import { reserve, Scripted, type ScriptedServer } from './scripted-servers.ts';
import { EASY_NBITS, HEIGHT, hash, newTemplate, TIME, transaction } from './told-templates.ts';

const [a, b] = [transaction(1), transaction(2)];
const future = { futureTemplate: true };

afterEach(() => void vi.useRealTimers());
/** The clock of timers alone: streams go on by themselves. */
const holdTimers = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });

/** Started on one server, which has told a tip and a template of `a`. */
async function begun(script: (server: ScriptedServer) => void = (server) => server.begin(1, [a])): Promise<Scripted> {
  const scripted = new Scripted([script]);
  await scripted.start();
  await scripted.until('well');
  return scripted;
}

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

describe('a server that does wrong', () => {
  const wrong: readonly [string, string, (server: ScriptedServer) => void, string][] = [
    [
      'names a template that it has not told',
      'protocol-fault',
      (server) => server.tip(9),
      'a template that was not told',
    ],
    [
      'has no height in coinbase_prefix',
      'protocol-fault',
      (server) => server.tell(newTemplate(1, [], { coinbasePrefix: Uint8Array.of(0x6a) })),
      'height',
    ],
    [
      'has the height of the first block of all',
      'protocol-fault',
      (server) => server.tell(newTemplate(1, [], { coinbasePrefix: Uint8Array.of(0) })),
      'height',
    ],
    [
      'has a coinbase_prefix that is too long',
      'protocol-fault',
      (server) =>
        server.tell(
          newTemplate(1, [], { coinbasePrefix: Uint8Array.of(...encodeHeightPush(HEIGHT), 1, 2, 3, 4, 5, 6, 7) }),
        ),
      'height',
    ],
    [
      'gives an id again',
      'protocol-fault',
      (server) => {
        for (const id of [1, 1]) server.tell(newTemplate(id, [], future));
      },
      'does not grow',
    ],
    [
      'gives a smaller id',
      'protocol-fault',
      (server) => {
        for (const id of [2, 1]) server.tell(newTemplate(id, [], future));
      },
      'does not grow',
    ],
    [
      'has an active template before any tip',
      'protocol-fault',
      (server) => server.tell(newTemplate(1)),
      'not for the present tip',
    ],
    ['has a target that is none', 'protocol-fault', (server) => server.begin(1, [], { nBits: 0x01800000 }), 'nBits'],
    [
      'gives the same tip another height',
      'protocol-fault',
      (server) => {
        server.tell(newTemplate(1, [a], { ...future, height: HEIGHT + 1 }));
        server.tip(1);
        server.tell(newTemplate(2, [a], future));
        server.tip(2);
      },
      'another height',
    ],
    ['gives transactions that nobody asked for', 'protocol-fault', (server) => server.give(1, [a]), 'nobody asked'],
    [
      'is set up twice',
      'protocol-fault',
      (server) => server.send(SetupConnectionSuccess, { usedVersion: 2, flags: 0 }),
      'nobody asked',
    ],
    [
      'sends half a message',
      'protocol-fault',
      (server) =>
        server.sendFrame(encodeFrame(SetupConnectionSuccess, { usedVersion: 2, flags: 0 }).with(3, 1).subarray(0, 7)),
      'SetupConnection.Success',
    ],
    [
      'announces a message that is too long',
      'protocol-fault',
      (server) => server.sendFrame(Uint8Array.of(0, 0, 0x71, 0xff, 0xff, 0xff)),
      '',
    ],
    ['sends bytes that are not sealed', 'protocol-fault', (server) => server.sendRaw(new Uint8Array(100).fill(7)), ''],
    ['closes', 'unreachable', (server) => server.close(), 'closed the connection'],
    [
      'gives the transactions of another template',
      'no-template',
      (server) => {
        server.serve({ 1: [b] });
        server.tell(newTemplate(1, [a], future));
      },
      'height 101: the transactions do not make the merkle path',
    ],
    [
      'tells a wrong merkle path',
      'no-template',
      (server) => {
        server.serve({ 1: [a] });
        server.tell(newTemplate(1, [a], { ...future, merklePath: [hash(3)] }));
      },
      'the transactions do not make the merkle path',
    ],
    [
      'commits to other witnesses',
      'no-template',
      (server) => {
        server.serve({ 1: [a] });
        server.tell(newTemplate(1, [a], { ...future, coinbaseTxOutputs: newTemplate(1, [b]).coinbaseTxOutputs }));
      },
      'witness commitment',
    ],
    [
      'says outputs that are none',
      'no-template',
      (server) => server.tell(newTemplate(1, [], { ...future, coinbaseTxOutputsCount: 3 })),
      '3 outputs',
    ],
  ];

  it.each(wrong)('%s: %s', async (_, trouble, script, words) => {
    const scripted = new Scripted([script]);
    await scripted.start();
    expect(scripted.told.filter((word) => word !== 'tip 1')).toEqual([trouble]);
    expect(scripted.health[0]?.detail).toContain(words);
  });

  it('after it has done right is left until it does right again', async () => {
    const scripted = new Scripted([(server) => server.begin(1, [a]), (server) => server.begin(1, [a])]);
    await scripted.start();
    await scripted.until('well');
    scripted.server.tip(77);
    await scripted.eventually(() => scripted.told.length === 7);
    expect(scripted.told.slice(3)).toEqual(['protocol-fault', 'tip 1', 'template of 1 on 1', 'well']);
  });

  it('tells of the next height without a tip, as a server of several clients does: the connection is made anew', async () => {
    const scripted = new Scripted([
      (server) => server.begin(1, [a]),
      (server) => server.begin(3, [b], { prevHash: hash(2) }, HEIGHT + 1),
    ]);
    await scripted.start();
    await scripted.until('well');
    scripted.server.tell(newTemplate(2, [b], { height: HEIGHT + 1 }));
    await scripted.eventually(() => scripted.told.length === 7);
    expect(scripted.told.slice(3)).toEqual(['protocol-fault', 'tip 2', 'template of 1 on 2', 'well']);
    expect(scripted.waits[0]).toBeLessThanOrEqual(1_000);
  });

  it('names a template that was refused: its tip is news all the same, and the next good one ends the trouble', async () => {
    const scripted = new Scripted([
      (server) => {
        server.serve({ 1: [b], 2: [a] });
        server.tell(newTemplate(1, [a], future));
        server.tip(1);
      },
    ]);
    await scripted.start();
    await scripted.eventually(() => scripted.told.length === 2);
    expect([...scripted.told].sort()).toEqual(['no-template', 'tip 1']);
    scripted.server.tell(newTemplate(2, [a]));
    await scripted.until('well');
    expect(scripted.told.slice(2)).toEqual(['template of 1 on 1', 'well']);
  });

  it('tells the same trouble once', async () => {
    const scripted = await begun();
    scripted.server.serve({ 2: [b], 3: [b], 4: [a, b] });
    for (const id of [2, 3]) scripted.server.tell(newTemplate(id, [a]));
    await scripted.eventually(() => scripted.server.asked().length === 3);
    scripted.server.tell(newTemplate(4, [a, b]));
    await scripted.until('well');
    expect(scripted.told.slice(3)).toEqual(['no-template', 'template of 2 on 1', 'well']);
  });

  it('is silent after the constraints, and after a tip', async () => {
    holdTimers();
    const scripted = new Scripted([() => undefined]);
    const started = scripted.start();
    await scripted.eventually(() => scripted.servers[0]?.all(CoinbaseOutputConstraints).length === 1);
    await vi.advanceTimersByTimeAsync(TEMPLATE_DEADLINE_MS);
    await started;
    expect(scripted.told).toEqual(['no-template']);
    scripted.server.begin(1, [a]);
    await scripted.until('well');
    scripted.server.tell(newTemplate(2, [b], { ...future, height: HEIGHT + 1 }));
    scripted.server.on(RequestTransactionData, () => undefined);
    scripted.server.tell(newTemplate(3, [a, b], { ...future, height: HEIGHT + 1 }));
    scripted.server.tip(3, { prevHash: hash(2) });
    await scripted.until('tip 2');
    await vi.advanceTimersByTimeAsync(TEMPLATE_DEADLINE_MS);
    expect(scripted.told.at(-1)).toBe('no-template');
  });

  it('never answers for transactions: the connection is given up', async () => {
    holdTimers();
    const scripted = await begun();
    scripted.server.on(RequestTransactionData, () => undefined);
    scripted.server.tell(newTemplate(2, [b]));
    await scripted.eventually(() => scripted.server.asked().length === 2);
    await vi.advanceTimersByTimeAsync(ANSWER_DEADLINE_MS);
    await scripted.until('unreachable');
    expect(scripted.health.at(-1)?.detail).toContain('did not come');
  });

  it('floods with templates: few are held and few are asked for', async () => {
    const scripted = await begun();
    const { server } = scripted;
    server.on(RequestTransactionData, () => undefined);
    for (let id = 2; id < 2_000; id++) server.tell(newTemplate(id, [b], id % 2 === 0 ? future : {}));
    server.tell(newTemplate(2_000, [a, b]));
    await scripted.eventually(() => server.asked().length === 1 + OUTSTANDING_BOUND);
    server.on(RequestTransactionData, ({ templateId }) =>
      server.give(Number(templateId), templateId === 2_000n ? [a, b] : [b]),
    );
    for (const id of [2, 3, 4, 5]) server.give(id, [b]);
    await scripted.until('template of 2 on 1');
    // Nothing was found to be of an older one that was still held.
    expect(scripted.told.slice(3)).toEqual(['template of 2 on 1']);
    await scripted.eventually(() => server.asked().length === 1 + OUTSTANDING_BOUND + WAITING_BOUND);
  });
});

describe('a connection', () => {
  it('is not made to a server with another key, and says so', async () => {
    const url = { host: 'provider.example', port: 8442, authorityKey: authorityKey.map((byte) => byte ^ 1) };
    const scripted = new Scripted([(server) => server.begin(1, [a])], { url });
    await scripted.start();
    expect(scripted.told).toEqual(['untrusted']);
    expect(scripted.health[0]?.detail).toMatch(/not the authority key of its URL.*certificate-untrusted/);
    expect(scripted.server.all(SetupConnection)).toEqual([]);
    expect(scripted.waits[0]).toBeGreaterThanOrEqual(15_000);
  });

  it('is not kept when the server refuses the protocol', async () => {
    const refusal = { flags: 0, errorCode: 'unsupported-protocol' };
    const fromStart = (server: ScriptedServer) =>
      server.on(SetupConnection, () => server.send(SetupConnectionError, refusal));
    const scripted = new Scripted([{ fromStart }]);
    await scripted.start();
    expect(scripted.health).toEqual([
      { trouble: 'setup-refused', detail: 'it refuses template distribution: unsupported-protocol' },
    ]);
    expect(scripted.waits[0]).toBeGreaterThanOrEqual(15_000);
  });

  it.each([
    [
      'answers in another version',
      (server: ScriptedServer) => server.send(SetupConnectionSuccess, { usedVersion: 3, flags: 0 }),
    ],
    ['tells a template before it has answered', (server: ScriptedServer) => server.tell(newTemplate(1, [], future))],
  ])('is not kept when the server %s', async (_, answer) => {
    const fromStart = (server: ScriptedServer) => server.on(SetupConnection, () => answer(server));
    const scripted = new Scripted([{ fromStart }]);
    await scripted.start();
    expect(scripted.told).toEqual(['protocol-fault']);
  });

  it('is not made to what speaks no Noise', async () => {
    const scripted = new Scripted([{ fromStart: (server) => server.sendRaw(new Uint8Array(500).fill(0x41)) }]);
    await scripted.start();
    expect(scripted.told).toEqual(['protocol-fault']);
  });

  it('is made anew, sooner at first than later, and work goes on', async () => {
    const begin = (server: ScriptedServer) => server.begin(1, [a]);
    const scripted = new Scripted(['refused', 'refused', 'refused', 'refused', 'refused', 'refused', begin, begin]);
    await scripted.start();
    await scripted.until('well');
    expect(scripted.told).toEqual(['unreachable', 'tip 1', 'template of 1 on 1', 'well']);
    expect(scripted.health[0]?.detail).toContain('ECONNREFUSED');
    expect(scripted.waits).toHaveLength(6);
    expect(Math.max(...scripted.waits)).toBe(10_000);
    scripted.server.close();
    await scripted.eventually(() => scripted.told.length === 8);
    expect(scripted.told.slice(4)).toEqual(['unreachable', 'tip 1', 'template of 1 on 1', 'well']);
    expect(scripted.waits[6]).toBeLessThanOrEqual(1_000);
    expect(scripted.tips.map(({ origin }) => origin)).toEqual(['start', 'start']);
  });

  const points: readonly [string, (server: ScriptedServer) => void][] = [
    ['the handshake', (server) => server.close()],
    ['SetupConnection', (server) => server.on(SetupConnection, () => server.close())],
    ['the constraints', (server) => server.on(CoinbaseOutputConstraints, () => server.close())],
    [
      'a future template',
      (server) =>
        server.on(CoinbaseOutputConstraints, () => {
          server.tell(newTemplate(1, [a], future));
          server.close();
        }),
    ],
    [
      'a tip',
      (server) =>
        server.on(CoinbaseOutputConstraints, () => {
          server.tell(newTemplate(1, [a], future));
          server.tip(1);
          server.close();
        }),
    ],
    [
      'an empty template that is held back',
      (server) =>
        server.on(CoinbaseOutputConstraints, () => {
          server.begin(1, []);
          server.close();
        }),
    ],
    [
      'the question for transactions',
      (server) => {
        server.on(CoinbaseOutputConstraints, () => server.tell(newTemplate(1, [a], future)));
        server.on(RequestTransactionData, () => server.close());
      },
    ],
  ];

  it.each(points)('that ends after %s is one that could not be had, and the next one works', async (_, fromStart) => {
    const scripted = new Scripted([{ fromStart }, (server) => server.begin(1, [b], { prevHash: hash(2) })]);
    void scripted.start();
    await scripted.until('well');
    expect(scripted.told.filter((word) => !word.startsWith('tip'))).toEqual([
      'unreachable',
      'template of 1 on 2',
      'well',
    ]);
  });

  it('that hangs keeps nobody waiting at the start, and may still come about', async () => {
    holdTimers();
    let script: (() => void) | undefined;
    const fromStart = (server: ScriptedServer) => {
      server.on(SetupConnection, () => {
        script = () => server.send(SetupConnectionSuccess, { usedVersion: 2, flags: 0 });
      });
      server.on(CoinbaseOutputConstraints, () => server.begin(1, [a]));
    };
    const scripted = new Scripted([{ fromStart }]);
    const started = scripted.start();
    await scripted.eventually(() => script !== undefined);
    expect(scripted.told).toEqual([]);
    await vi.advanceTimersByTimeAsync(FIRST_WORD_MS);
    await started;
    expect(scripted.told).toEqual(['no-template']);
    script?.();
    await scripted.until('well');
  });

  it('is given up at the stop, wherever it stands', async () => {
    for (const script of ['refused', () => undefined, (server: ScriptedServer) => server.begin(1, [a])] as const) {
      const scripted = new Scripted([script]);
      void scripted.start();
      await scripted.node.stop();
    }
    const waiting = new Scripted([]);
    const started = waiting.start();
    await waiting.node.stop();
    await started;
    expect(waiting.told).toEqual([]);
  });
});
