// The source of work over servers that do wrong, are silent or too much.

import { encodeHeightPush } from '@sluice/bitcoin/coinbase';
import { encodeFrame } from '@sluice/sv2/frames';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { CoinbaseOutputConstraints } from '@sluice/sv2/messages/template-distribution/coinbase-output-constraints';
import { RequestTransactionData } from '@sluice/sv2/messages/template-distribution/request-transaction-data';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { TEMPLATE_DEADLINE_MS } from '../../src/template-server/server-templates.ts';
import {
  ANSWER_DEADLINE_MS,
  OUTSTANDING_BOUND,
  WAITING_BOUND,
} from '../../src/template-server/transaction-requests.ts';
import { begun, holdTimers, Scripted, type ScriptedServer } from './scripted-servers.ts';
import { HEIGHT, hash, newTemplate, transaction } from './told-templates.ts';

const [a, b] = [transaction(1), transaction(2)];
const future = { futureTemplate: true };

afterEach(() => void vi.useRealTimers());

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
