import { duplexPair } from 'node:stream';
import { ManualClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { afterEach, expect, test } from 'vitest';
import { minerServerLimits } from '../src/miner-server-limits.ts';
import { PeerSocket } from '../src/peer-socket.ts';
import { addressTurns } from '../src/read-turns.ts';
import { OutboundTick } from '../src/socket-writer.ts';
import { listenerCounters } from './support/listener-counters.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

/**
 * Peers on a server of their own, each of whose bytes counts as a message; `handled` has who was read and how much, in order.
 * @param chunkMs what it takes to handle what came at once.
 */
function peersOf(limits: { readonly messagesPerSecondPerAddress: number }, chunkMs = 0) {
  const handled: (readonly [peer: string, bytes: number])[] = [];
  const counters = { heldBack: 0, heldBackAddress: 0, closed: { ...listenerCounters().closed, over: 0 } };
  const clock = new ManualClock();
  class Peer extends PeerSocket<'over'> {
    name = '';
    protected onBytes(chunk: Buffer): void {
      handled.push([this.name, chunk.length]);
      clock.advance(chunkMs);
      if (chunk.includes('!')) this.end('over');
      else this.countMessages(chunk.length);
    }
    protected onLeft(): void {}
  }
  const turns = addressTurns(limits.messagesPerSecondPerAddress);
  const modules = {
    ...{ clock, log: silentLogger(), counters, tick: new OutboundTick() },
    limits: { ...minerServerLimits, messagesPerSecond: 1e9, lingerMs: 1e6 },
    turns,
  };
  const open = (name: string, address: string) => {
    const [near, far] = duplexPair();
    const peer = new Peer(1, near, address, modules);
    peer.name = name;
    far.on('error', () => undefined).resume();
    cleanups.push(() => near.destroy());
    return { peer, near, far };
  };
  return { open, handled, counters, turns, clock };
}

test('a peer that floods on behind its last answer is not read for as long as it may linger', async () => {
  const { open, counters } = peersOf({ messagesPerSecondPerAddress: 1e9 });
  const { near, far } = open('a', '192.0.2.1');
  far.write('!');
  await expect.poll(() => counters.closed.over).toBe(1);
  await new Promise((resolve) => far.write(Buffer.alloc(65_536), resolve));
  expect(near.destroyed).toBe(false);
  far.write('x');
  await expect.poll(() => near.destroyed).toBe(true);
  expect(counters.closed).toMatchObject({ over: 1, 'peer-closed': 0 });
});

test('connections of one address take turns, between which others are read', async () => {
  const { open, handled, counters } = peersOf({ messagesPerSecondPerAddress: 1e9 });
  const [a, b, c, d] = ['a', 'b', 'c'].map((name) => open(name, '192.0.2.1')).concat(open('d', '192.0.2.2'));
  a?.far.write(Buffer.alloc(40_000));
  b?.far.write(Buffer.alloc(20_000));
  c?.far.write(Buffer.alloc(10));
  d?.far.write(Buffer.alloc(10));
  await expect.poll(() => handled.length).toBe(7);
  expect(handled).toEqual([
    ['a', 16_384],
    ['d', 10],
    ['a', 16_384],
    ['b', 16_384],
    ['c', 10],
    ['a', 7_232],
    ['b', 3_616],
  ]);
  a?.far.write(Buffer.alloc(10));
  await expect.poll(() => handled.length).toBe(8);
  expect(counters).toMatchObject({ heldBack: 0, heldBackAddress: 0 });
});

test('the turns of an address are remembered while it is connected, and until it may send as much as at first', async () => {
  const { open, handled, turns, clock } = peersOf({ messagesPerSecondPerAddress: 100 });
  const [a, b] = ['a', 'b', 'c'].map((name) => open(name, name === 'c' ? '192.0.2.2' : '192.0.2.1'));
  const addressesAfter = (ms: number) => {
    clock.advance(ms);
    turns.sweep(clock.monotonic());
    return turns.size;
  };
  a?.peer.cut('over');
  b?.far.write(Buffer.alloc(300));
  await expect.poll(() => handled.length).toBe(1);
  expect(addressesAfter(10_000)).toBe(2);
  b?.far.write(Buffer.alloc(300));
  await expect.poll(() => handled.length).toBe(2);
  b?.peer.cut('over');
  expect(addressesAfter(2_000)).toBe(2);
  expect(addressesAfter(1_000)).toBe(1);
});

test('a turn is over after so many messages, however long they take', async () => {
  const { open, handled } = peersOf({ messagesPerSecondPerAddress: 1e9 }, 20);
  const peers = ['a', 'b', 'c'].map((name) => open(name, '192.0.2.1')).concat(open('d', '192.0.2.2'));
  for (const { far } of peers) far.write(Buffer.alloc(1_024));
  await expect.poll(() => handled.length).toBe(4);
  expect(handled.map(([peer]) => peer)).toEqual(['a', 'b', 'd', 'c']);
});

test('while an address has sent too much, what comes on its connections waits, and goes with them', async () => {
  const { open, handled, counters } = peersOf({ messagesPerSecondPerAddress: 100 });
  const [a, b, c] = ['a', 'b', 'c'].map((name) => open(name, '192.0.2.1'));
  a?.far.write(Buffer.alloc(1_020));
  b?.far.write(Buffer.alloc(10));
  c?.far.write(Buffer.alloc(10));
  await expect.poll(() => counters.heldBackAddress).toBe(3);
  b?.peer.cut('over');
  await expect.poll(() => handled.length).toBe(2);
  expect(handled).toEqual([
    ['a', 1_020],
    ['c', 10],
  ]);
  expect(b?.near.destroyed).toBe(true);
});
