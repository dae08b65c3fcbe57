import { execFileSync } from 'node:child_process';
import { connect } from 'node:net';
import { duplexPair, PassThrough, Writable } from 'node:stream';
import { certificateFault } from '@sluice/noise/certificate';
import { generateSecret } from '@sluice/noise/ec';
import { nobleEc as ec } from '@sluice/noise/noble-ec';
import { ManualClock, unixSeconds } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { randomBytes } from '@sluice/runtime/random';
import { afterEach, expect, test } from 'vitest';
import { addressKey } from '../src/address-key.ts';
import { selfCertified } from '../src/identity.ts';
import { Listener } from '../src/listener.ts';
import { minerServerLimits } from '../src/miner-server-limits.ts';
import { boundOutbound } from '../src/outbound-total.ts';
import { PeerSocket } from '../src/peer-socket.ts';
import { PerAddress } from '../src/per-address.ts';
import { RateLimit } from '../src/rate-limit.ts';
import { addressTurns } from '../src/read-turns.ts';
import { OutboundTick, SocketWriter } from '../src/socket-writer.ts';
import { listenerCounters } from './support/listener-counters.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

const modules = () => ({ ec, random: randomBytes, clock: new ManualClock(), log: silentLogger() });

test('a certificate of its own is backdated an hour and renewed at half of its time', () => {
  const parts = modules();
  const authoritySecret = generateSecret(randomBytes);
  const source = selfCertified(authoritySecret, 7_200, parts);
  const first = source.current();
  const now = unixSeconds(parts.clock);
  expect(first.certificate).toMatchObject({ validFrom: now - 3_600, notValidAfter: now + 7_200 });
  parts.clock.advance(3_599_000);
  source.refresh();
  expect(source.current().certificate).toBe(first.certificate);
  parts.clock.advance(2_000);
  source.refresh();
  const second = source.current();
  expect(second.certificate.notValidAfter).toBe(unixSeconds(parts.clock) + 7_200);
  expect(second.staticKey).toBe(first.staticKey);
  const authorityKey = ec.xOnlyPublicKey(authoritySecret);
  const staticPublicKey = ec.xOnlyPublicKey(second.staticKey.secret);
  const check = { ec, authorityKey, staticPublicKey, now: unixSeconds(parts.clock) };
  expect(certificateFault(second.certificate, check)).toBeUndefined();
});

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
])('%s counts as %s', (address, key) => {
  expect(addressKey(address)).toBe(key);
});

test('the listener closes unread what is beyond its limits', async () => {
  const counters = listenerCounters();
  const limits = {
    ...{ connections: 10, connectionsPerAddress: 2, connectionsPerSecond: 0.3, connectionsPerSecondPerAddress: 1 },
    ...{ proxyHeaderDeadlineMs: 100, proxyProtocolFrom: [] },
  };
  const accepted: { destroy(): void }[] = [];
  const listener = new Listener(limits, {
    clock: new ManualClock(),
    log: silentLogger(),
    counters,
    onSocket: (socket) => accepted.push(socket),
  });
  const [address] = await listener.listen([{ host: '127.0.0.1', port: 0 }]);
  cleanups.push(() => listener.close());
  const open = () =>
    new Promise<void>((resolve) => {
      const socket = connect(address?.port ?? 0, '127.0.0.1');
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
  await expect(listener.listen([address ?? { host: '', port: 0 }])).rejects.toMatchObject({
    code: 'server-listen-failed',
  });
});

test('a connection that is reset before it is accepted is counted, and held against nobody', async () => {
  const counters = listenerCounters();
  const limits = {
    ...{ connections: 10, connectionsPerAddress: 2, connectionsPerSecond: 0.1, connectionsPerSecondPerAddress: 0.1 },
    ...{ proxyHeaderDeadlineMs: 100, proxyProtocolFrom: [] },
  };
  const listener = new Listener(limits, {
    clock: new ManualClock(),
    log: silentLogger(),
    counters,
    onSocket: () => undefined,
  });
  const [address] = await listener.listen([{ host: '127.0.0.1', port: 0 }]);
  cleanups.push(() => listener.close());
  // While it runs this process accepts nothing.
  const script = `const { connect } = require('node:net');
    for (let probe = 0; probe < 5; probe++) {
      const socket = connect(${address?.port}, '127.0.0.1', () => socket.resetAndDestroy());
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
  const counters = listenerCounters();
  const limits = {
    ...{ connections: 10, connectionsPerAddress: 10, connectionsPerSecond: 0.5, connectionsPerSecondPerAddress: 0.2 },
    ...{ proxyHeaderDeadlineMs: 100, proxyProtocolFrom: [] },
  };
  const listener = new Listener(limits, {
    ...{ clock: new ManualClock(), log: silentLogger(), counters },
    onSocket: (socket) => socket.end('taken'),
  });
  const [address] = await listener.listen([{ host: '127.0.0.1', port: 0 }]);
  cleanups.push(() => listener.close());
  const open = (localAddress: string) =>
    new Promise<string>((resolve) => {
      let text = '';
      const socket = connect({ host: '127.0.0.1', port: address?.port ?? 0, localAddress });
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
});

test('rates of addresses are shared, and those of the address that was longest without a connection are forgotten first', () => {
  const rates = new PerAddress((nowMs) => new RateLimit(1, nowMs), 2);
  expect(rates.of('a', 0).take(10, 0)).toBe(0);
  expect(rates.of('b', 0).take(10, 0)).toBe(0);
  expect(rates.of('a', 0).take(1, 0)).toBe(1_000);
  rates.of('c', 0);
  expect(rates.size).toBe(2);
  expect(rates.of('a', 0).take(1, 0)).toBe(2_000);
  expect(rates.of('b', 0).take(10, 0)).toBe(0);
});

test('when too much waits for all readers together, those are cut for whom most does', () => {
  const cut: string[] = [];
  const reader = (name: string, queuedBytes: number) => ({ writer: { queuedBytes }, cut: () => cut.push(name) });
  const readers = [reader('a', 10), reader('b', 400), reader('c', 0), reader('d', 300)];
  expect(boundOutbound(readers, 710)).toBe(710);
  expect(cut).toEqual([]);
  expect(boundOutbound(readers, 310)).toBe(310);
  expect(cut).toEqual(['b']);
  expect(boundOutbound(readers, 9)).toBe(0);
  expect(cut).toEqual(['b', 'b', 'd', 'a']);
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
  const modules = {
    ...{ clock, log: silentLogger(), counters, tick: new OutboundTick() },
    limits: { ...minerServerLimits, messagesPerSecond: 1e9, lingerMs: 1e6 },
    turns: addressTurns(limits.messagesPerSecondPerAddress),
  };
  const open = (name: string, address: string) => {
    const [near, far] = duplexPair();
    const peer = new Peer(1, near, address, modules);
    peer.name = name;
    far.on('error', () => undefined).resume();
    cleanups.push(() => near.destroy());
    return { peer, near, far };
  };
  return { open, handled, counters };
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

test('a rate limit lets a burst of ten seconds through and says how long to wait', () => {
  const limit = new RateLimit(10, 0);
  expect(limit.take(100, 0)).toBe(0);
  expect(limit.take(5, 0)).toBe(500);
  expect(limit.tryTake(500)).toBe(false);
  expect(limit.tryTake(700)).toBe(true);
});

test('a rate without bound holds nobody back, at any time', () => {
  const limit = new RateLimit(Number.POSITIVE_INFINITY, 0);
  for (const now of [0, 0, 1]) expect(limit.take(1_000, now)).toBe(0);
});

test('what a connection gets in one tick leaves in one write, in its order, also across slabs', async () => {
  const tick = new OutboundTick();
  const sealer = {
    sealedLength: (length: number) => length + 1,
    seal: (frame: Uint8Array, out: Uint8Array, offset: number) => {
      out[offset] = 0xee;
      out.set(frame, offset + 1);
      return frame.length + 1;
    },
  };
  const sockets = [new PassThrough({ highWaterMark: 1e9 }), new PassThrough({ highWaterMark: 1e9 })];
  const writers = sockets.map((socket) => new SocketWriter(socket, tick, 1e9, () => undefined));
  for (const writer of writers) writer.startSealing(sealer);
  const expected: number[][] = [[], []];
  for (let round = 0; round < 3_000; round++) {
    const frame = new Uint8Array(1 + (round % 90)).fill(round);
    const which = round % 3 === 0 ? 0 : 1;
    writers[which]?.write(frame);
    expected[which]?.push(0xee, ...frame);
  }
  writers[0]?.write(new Uint8Array(100_000));
  expected[0]?.push(0xee, ...new Uint8Array(100_000));
  await new Promise((resolve) => setImmediate(resolve));
  for (const [index, socket] of sockets.entries()) {
    const chunks: Buffer[] = [];
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks)).toEqual(Buffer.from(expected[index] ?? []));
  }
});

test('of what many get in one tick the first have it before the last are written to', async () => {
  const tick = new OutboundTick();
  const written: number[] = [];
  const writers = Array.from({ length: 600 }, (_, index) => {
    const write = (_chunk: Buffer, _encoding: string, done: () => void) => {
      written.push(index);
      done();
    };
    return new SocketWriter(new Writable({ write }), tick, 1e9, () => undefined);
  });
  const shared = Buffer.from('to everyone\n');
  for (const writer of writers) writer.writeShared(shared);
  expect(written).toEqual(Array.from({ length: 512 }, (_, index) => index));
  await new Promise((resolve) => setImmediate(resolve));
  expect(written).toEqual(writers.map((_, index) => index));
});

test('what waits for a reader that is behind is in few pieces of memory, which are its own and not much larger', async () => {
  const tick = new OutboundTick();
  const pieces: Buffer[] = [];
  let proceed: () => void = () => undefined;
  const socket = new Writable({
    write: (_chunk, _encoding, done) => {
      proceed = done;
    },
    writev: (chunks, done) => {
      pieces.push(...chunks.map(({ chunk }) => chunk as Buffer));
      done();
    },
  });
  const writer = new SocketWriter(socket, tick, 1e9, () => undefined);
  writer.writeText('not read');
  writer.flush();
  expect(socket.writableLength).toBeGreaterThan(0);
  const lines = Array.from({ length: 2_000 }, (_, index) => `${String(index).padStart(index % 90, '.')}\n`);
  const flushed = [1, 2, 5, 500];
  for (const [index, line] of lines.entries()) {
    writer.writeText(line);
    if (flushed.includes(index)) writer.flush();
  }
  writer.flush();
  proceed();
  await new Promise((resolve) => setImmediate(resolve));
  const text = lines.join('');
  expect(pieces.join('')).toBe(text);
  expect(pieces.length).toBeLessThan(40);
  const memory = new Set(pieces.map(({ buffer }) => buffer));
  expect(memory.size).toBe(pieces.length);
  expect(memory.has(tick.slab.buffer)).toBe(false);
  expect([...memory].reduce((sum, { byteLength }) => sum + byteLength, 0)).toBeLessThan(2 * text.length);
  // One that comes alone has no more than it needs.
  expect(pieces[0]?.buffer.byteLength).toBe(pieces[0]?.length);
});

test('text and shared bytes keep their order, and shared bytes are written as they are, not copied', async () => {
  const tick = new OutboundTick();
  const shared = Buffer.from('to everyone\n');
  const written: Buffer[] = [];
  const socket = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk);
      done();
    },
  });
  const writer = new SocketWriter(socket, tick, 1e9, () => undefined);
  writer.writeText('"é"\n');
  writer.writeShared(shared);
  writer.writeText('last\n');
  await new Promise((resolve) => setImmediate(resolve));
  expect(written.map(String)).toEqual(['"é"\n', 'to everyone\n', 'last\n']);
  expect(written[1]).toBe(shared);
  writer.writeShared(shared);
  await new Promise((resolve) => setImmediate(resolve));
  expect(written[3]).toBe(shared);
  expect(writer.bytesWritten).toBe(written.join('').length + 1);
});

test('a reader for whom too much waits is reported once, whatever is written', () => {
  const write = {
    raw: (writer: SocketWriter) => writer.writeRaw(Buffer.alloc(60)),
    text: (writer: SocketWriter) => writer.writeText('x'.repeat(60)),
    shared: (writer: SocketWriter) => writer.writeShared(Buffer.alloc(60)),
  };
  for (const each of Object.values(write)) {
    let overflows = 0;
    const writer = new SocketWriter(new PassThrough(), new OutboundTick(), 100, () => {
      overflows += 1;
    });
    each(writer);
    expect(overflows).toBe(0);
    each(writer);
    each(writer);
    expect(overflows).toBe(1);
    expect(writer.queuedBytes).toBe(0);
  }
});
