import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineParser, MAX_LINE_SIZE } from '../src/line-parser.ts';

interface Parsed {
  readonly lines: string[];
  readonly fault: string | undefined;
  readonly held: number;
}

function parse(chunks: readonly Uint8Array[]): Parsed {
  const parser = new LineParser();
  const lines: string[] = [];
  let fault: string | undefined;
  for (const chunk of chunks)
    fault = parser.push(chunk, (line) => lines.push(Buffer.from(line).toString('latin1')))?.code;
  return { lines, fault, held: parser.held };
}

const bytes = (text: string) => Buffer.from(text, 'latin1');

test.each([
  ['several in a chunk', 'a\nb\nc\n', ['a', 'b', 'c']],
  ['carriage returns', 'a\r\nb\r\n', ['a', 'b']],
  ['blank ones', '\n\r\n  \t\n a \n\n', ['a']],
  ['a carriage return inside', 'a\rb\n', ['a\rb']],
  ['an unfinished one', 'a\nb', ['a']],
  ['bytes that are no UTF-8', 'a\xff\xfe\nb\n', ['a\xff\xfe', 'b']],
])('lines: %s', (_, text, lines) => {
  expect(parse([bytes(text)])).toMatchObject({ lines, fault: undefined });
});

test('any chunks give the same lines', () => {
  const piece = fc.constantFrom('a', '{"id":1}', ' ', '\r', '\n', '\r\n', '\xff', '\0', 'x'.repeat(700));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), fc.array(fc.nat(), { maxLength: 12 }), (pieces, cuts) => {
      const stream = bytes(pieces.join(''));
      const whole = parse([stream]);
      const points = [0, ...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length];
      expect(parse(points.slice(1).map((to, index) => stream.subarray(points[index], to)))).toEqual(whole);
      expect(parse(Array.from(stream, (byte) => Uint8Array.of(byte)))).toEqual(whole);
    }),
    { numRuns: 60 },
  );
});

test('a line of 8,192 bytes is one, with a byte more it is a fault, however it comes', () => {
  const fits = bytes(`a\n${'x'.repeat(MAX_LINE_SIZE)}\nb\n`);
  const tooLong = bytes(`a\n${'x'.repeat(MAX_LINE_SIZE + 1)}\nb\n`);
  for (const size of [1, 7, 1000, 4096, 10_000]) {
    const cut = (stream: Uint8Array) =>
      Array.from({ length: Math.ceil(stream.length / size) }, (_, index) =>
        stream.subarray(index * size, (index + 1) * size),
      );
    expect(parse(cut(fits))).toMatchObject({ lines: ['a', 'x'.repeat(MAX_LINE_SIZE), 'b'], fault: undefined });
    expect(parse(cut(tooLong))).toEqual({ lines: ['a'], fault: 'line-too-long', held: 0 });
  }
});

test('an endless line is a fault as soon as it is too long, and nothing of it is kept', () => {
  const parser = new LineParser();
  const never = () => expect.unreachable();
  for (let sent = 0; sent < MAX_LINE_SIZE; sent += 64) {
    expect(parser.push(new Uint8Array(64), never)).toBeUndefined();
    expect(parser.held).toBe(sent + 64);
  }
  const fault = { kind: 'fault', code: 'line-too-long' };
  expect(parser.push(new Uint8Array(1), never)).toEqual(fault);
  expect(parser.held).toBe(0);
  expect(parser.push(bytes('{}\n'), never)).toEqual(fault);
});

test('a line that lies whole in a chunk is a view of it', () => {
  const chunk = Uint8Array.from(bytes('\n{}\r\n'));
  let seen: Uint8Array | undefined;
  new LineParser().push(chunk, (line) => {
    seen = line;
  });
  expect(seen?.buffer).toBe(chunk.buffer);
  expect([seen?.byteOffset, seen?.length]).toEqual([1, 2]);
});
