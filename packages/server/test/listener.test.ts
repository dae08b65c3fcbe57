import { execFileSync } from 'node:child_process';
import { connect } from 'node:net';
import { ManualClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { afterEach, expect, test } from 'vitest';
import { Listener, type ListenerLimits, type ListenerModules } from '../src/listener.ts';
import { minerServerLimits } from '../src/miner-server-limits.ts';
import { listenerCounters } from './support/listener-counters.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

type Rates = Pick<ListenerLimits, 'connectionsPerAddress' | 'connectionsPerSecond' | 'connectionsPerSecondPerAddress'>;

/** A listener for ten connections on a port of the loopback. */
async function listening(rates: Rates, onSocket: ListenerModules['onSocket']) {
  const counters = listenerCounters();
  const clock = new ManualClock();
  const limits = { connections: 10, ...rates, proxyHeaderDeadlineMs: 100, proxyProtocolFrom: [] };
  const listener = new Listener(limits, { clock, log: silentLogger(), counters, onSocket });
  const [address = { host: '', port: 0 }] = await listener.listen([{ host: '127.0.0.1', port: 0 }]);
  cleanups.push(() => listener.close());
  return { listener, counters, address, clock };
}

test('the listener closes unread what is beyond its limits', async () => {
  const accepted: { destroy(): void }[] = [];
  const { listener, counters, address } = await listening(
    { connectionsPerAddress: 2, connectionsPerSecond: 0.3, connectionsPerSecondPerAddress: 1 },
    (socket) => accepted.push(socket),
  );
  const open = () =>
    new Promise<void>((resolve) => {
      const socket = connect(address.port, '127.0.0.1');
      cleanups.push(() => socket.destroy());
      socket.once('close', () => resolve());
      socket.once('connect', () => setTimeout(resolve, 30));
    });
  for (let count = 0; count < 3; count++) await open();
  expect(counters).toMatchObject({ connectionsAccepted: 2, refusedAddress: 1 });
  for (const socket of accepted) socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(listener.open).toBe(0);
  await open();
  await open();
  expect(counters).toMatchObject({ connectionsAccepted: 3, refusedRate: 1 });
  await expect(listener.listen([address])).rejects.toMatchObject({
    code: 'server-listen-failed',
  });
});

test('a connection that is reset before it is accepted is counted, and held against nobody', async () => {
  const { listener, counters, address } = await listening(
    { connectionsPerAddress: 2, connectionsPerSecond: 0.1, connectionsPerSecondPerAddress: 0.1 },
    () => undefined,
  );
  // While it runs this process accepts nothing.
  const script = `const { connect } = require('node:net');
    for (let probe = 0; probe < 5; probe++) {
      const socket = connect(${address.port}, '127.0.0.1', () => socket.resetAndDestroy());
    }`;
  execFileSync(process.execPath, ['--eval', script]);
  await expect.poll(() => counters.closed['left-at-once']).toBe(5);
  expect(counters).toMatchObject({ connectionsAccepted: 5, refusedAddressRate: 0, refusedRate: 0 });
  expect(listener.open).toBe(0);
});

test('listeners that share an address get its connections together, and nobody else may listen there', async () => {
  const limits = { ...minerServerLimits, connectionsPerSecondPerAddress: 500 };
  const parts = { clock: new ManualClock(), log: silentLogger() };
  const all = [listenerCounters(), listenerCounters(), listenerCounters()] as const;
  const [first, second, alone] = all.map(
    (counters) => new Listener(limits, { ...parts, counters, onSocket: (socket) => socket.end() }),
  ) as [Listener, Listener, Listener];
  const [address] = await first.listen([{ host: '127.0.0.1', port: 0 }], { reusePort: true });
  const same = [address ?? { host: '', port: 0 }];
  await second.listen(same, { reusePort: true });
  cleanups.push(
    () => first.close(),
    () => second.close(),
  );
  await expect(alone.listen(same)).rejects.toMatchObject({ code: 'server-listen-failed' });
  const open = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect(same[0]?.port ?? 0, '127.0.0.1').resume();
      socket.once('error', reject).once('close', () => resolve());
    });
  // That one of them is never drawn happens once in 2^63.
  for (let count = 0; count < 64; count++) await open();
  const accepted = all.map(({ connectionsAccepted }) => connectionsAccepted);
  expect(accepted).toEqual([expect.any(Number), 64 - (accepted[0] ?? 0), 0]);
  expect(Math.min(...accepted.slice(0, 2))).toBeGreaterThan(0);
  first.close();
  for (let count = 0; count < 8; count++) await open();
  expect(all[1].connectionsAccepted).toBe((accepted[1] ?? 0) + 8);
});

test('of an address that connects too often the listener closes what comes unread, and takes what comes from others', async () => {
  const { listener, counters, address, clock } = await listening(
    { connectionsPerAddress: 10, connectionsPerSecond: 0.5, connectionsPerSecondPerAddress: 0.2 },
    (socket) => socket.end('taken'),
  );
  const open = (localAddress: string) =>
    new Promise<string>((resolve) => {
      let text = '';
      const socket = connect({ host: '127.0.0.1', port: address.port, localAddress });
      cleanups.push(() => socket.destroy());
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.once('close', () => resolve(text));
    });
  const from = async (...addresses: readonly string[]) => {
    const answers: string[] = [];
    for (const one of addresses) answers.push(await open(one));
    return answers;
  };
  expect(await from('127.0.0.2', '127.0.0.2', '127.0.0.2')).toEqual(['taken', 'taken', '']);
  expect(await from('127.0.0.3', '127.0.0.4', '127.0.0.5', '127.0.0.6')).toEqual(['taken', 'taken', 'taken', '']);
  expect(counters).toMatchObject({ connectionsAccepted: 5, refusedAddressRate: 1, refusedRate: 1 });
  expect(listener.addresses).toBe(4);
  clock.advance(5_000);
  listener.sweep();
  expect(listener.addresses).toBe(1);
});
