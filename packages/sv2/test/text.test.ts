import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { errorCodes } from '../src/error-codes.ts';
import { decodeText, encodeText, hasControlCharacter, printable } from '../src/text.ts';

test('any bytes survive as a string', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect(encodeText(decodeText(bytes))).toEqual(bytes);
    }),
  );
});

test('any well-formed string survives as its UTF-8', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
      expect(encodeText(text)).toEqual(new TextEncoder().encode(text));
      expect(decodeText(encodeText(text))).toBe(text);
    }),
  );
});

test('bytes that are no UTF-8 make a string that is not well-formed, and differ from each other', () => {
  const latin1 = decodeText(Uint8Array.of(0x61, 0xe9, 0x62));
  expect(latin1.isWellFormed()).toBe(false);
  expect(latin1).not.toBe(decodeText(Uint8Array.of(0x61, 0xe8, 0x62)));
  expect(printable(latin1)).toBe('a\ufffdb');
});

test('a byte order mark is a character like any other', () => {
  expect(decodeText(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa');
});

test('control characters are C0, DEL and C1', () => {
  for (const bad of ['\0', 'a\n', '\x1b[2J', '\x7f', '\x85']) expect(hasControlCharacter(bad)).toBe(true);
  for (const good of ['', 'stale-share', 'é', '\xa0']) expect(hasControlCharacter(good)).toBe(false);
  expect(printable('a\nb')).toBe('a\ufffdb');
});

test('our own error codes are printable ASCII that fits STR0_255', () => {
  for (const codes of Object.values(errorCodes))
    for (const [code, condition] of Object.entries(codes)) {
      expect(code).toMatch(/^[a-z]+(-[a-z0-9]+)*$/);
      expect(code.length).toBeLessThan(256);
      expect(condition).toMatch(/\.$/);
    }
});
