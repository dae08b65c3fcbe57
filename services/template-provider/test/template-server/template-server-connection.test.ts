// The source of work over connections that cannot be made, hang and end.

import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionError } from '@sluice/sv2/messages/common/setup-connection-error';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { CoinbaseOutputConstraints } from '@sluice/sv2/messages/template-distribution/coinbase-output-constraints';
import { RequestTransactionData } from '@sluice/sv2/messages/template-distribution/request-transaction-data';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { authorityKey } from '../../../../packages/client/test/support/fake-server.ts';
import { FIRST_WORD_MS } from '../../src/template-server/template-server-node.ts';
import { holdTimers, Scripted, type ScriptedServer } from './scripted-servers.ts';
import { hash, newTemplate, transaction } from './told-templates.ts';

const [a, b] = [transaction(1), transaction(2)];
const future = { futureTemplate: true };

afterEach(() => void vi.useRealTimers());

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
