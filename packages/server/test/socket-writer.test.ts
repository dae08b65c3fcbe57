import { PassThrough, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { OutboundTick, SocketWriter } from '../src/socket-writer.ts';

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
