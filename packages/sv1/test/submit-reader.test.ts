import { bytesToHex } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseHexBytes } from '../src/hex.ts';
import { parseMessage } from '../src/json-rpc.ts';
import { readMinerRequest, type Submit } from '../src/miner-requests.ts';
import { SubmitReader } from '../src/submit-reader.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const reader = new SubmitReader();

function readInFull(line: Uint8Array): Submit | undefined {
  const message = parseMessage(line);
  if (message.kind !== 'request') return undefined;
  const request = readMinerRequest(message);
  return request.kind === 'submit' ? request : undefined;
}

/** What was read is what the parser makes of the line. */
function expectEqual(line: Uint8Array): void {
  const { id, jobIdFrom, jobIdTo, extranonce2, ntime, nonce, versionBits } = reader;
  const request = readInFull(line);
  const jobId = decoder.decode(line.subarray(jobIdFrom, jobIdTo));
  expect(request).toMatchObject({ id: String(id), jobId, ntime, nonce });
  expect(request?.versionBits).toBe(versionBits);
  expect(bytesToHex(parseHexBytes(request?.extranonce2) ?? Uint8Array.of(1))).toBe(bytesToHex(extranonce2));
}

const digits = (min: number, max: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEF'), minLength: min, maxLength: max });
const plainText = fc
  .string({ unit: 'grapheme-ascii', maxLength: 20 })
  .filter((text) => !text.includes('"') && !text.includes('\\'));
const blank = fc.constantFrom('', '', ' ', '\t ');
const id = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 10 ** 15 - 1 }));
const params = fc
  .tuple(plainText, plainText, fc.integer({ min: 0, max: 16 }), digits(1, 8), digits(1, 8), fc.option(digits(1, 8)))
  .chain(([user, jobId, size, ntime, nonce, bits]) =>
    digits(2 * size, 2 * size).map((extranonce2) => [
      ...[user, jobId, extranonce2, ntime, nonce],
      ...(bits === null ? [] : [bits]),
    ]),
  );
/** A line as devices write it, its members in any order. */
const lines = fc
  .tuple(id, params, fc.shuffledSubarray([0, 1, 2], { minLength: 3 }), blank, blank)
  .map(([number, list, order, space, other]) => {
    const texts = list.map((text) => `"${text}"`).join(`${other},${space}`);
    const members = [
      `"id"${other}:${space}${number}`,
      '"method":"mining.submit"',
      `"params":${space}[${texts}${other}]`,
    ];
    return `{${space}${order.map((index) => members[index]).join(`${space},${other}`)}${other}}`;
  });

describe('SubmitReader', () => {
  it('reads what devices write as the parser does', () => {
    fc.assert(
      fc.property(lines, (text) => {
        const line = encoder.encode(text);
        expect(reader.read(line), text).toBe(true);
        expectEqual(line);
      }),
      { numRuns: 500 },
    );
  });

  it('takes nothing that the parser takes for something else, whatever was changed in a line', () => {
    const places = fc.tuple(fc.nat(), fc.constantFrom(...encoder.encode('"\\{}[],: 0aFg-.en\u0000\u007f'), 0xc3, 0xff));
    let taken = 0;
    fc.assert(
      fc.property(lines, fc.array(places, { minLength: 1, maxLength: 3 }), fc.boolean(), (text, changes, isCut) => {
        const line = encoder.encode(text);
        for (const [place, byte] of changes) line[place % line.length] = byte;
        const changed = isCut ? line.subarray(0, line.length - 1) : line;
        if (!reader.read(changed)) return;
        taken += 1;
        expectEqual(changed);
      }),
      { numRuns: 2_000 },
    );
    expect(taken).toBeGreaterThan(0);
  });

  it.each([
    ['another method', '{"id":1,"method":"mining.submit2","params":["u","1","00","1","2"]}'],
    ['an id that is text', '{"id":"1","method":"mining.submit","params":["u","1","00","1","2"]}'],
    ['an id of too many digits', '{"id":1234567890123456,"method":"mining.submit","params":["u","1","00","1","2"]}'],
    ['no id', '{"method":"mining.submit","params":["u","1","00","1","2"]}'],
    ['an id twice', '{"id":1,"id":2,"method":"mining.submit","params":["u","1","00","1","2"]}'],
    ['a member more', '{"id":1,"jsonrpc":"2.0","method":"mining.submit","params":["u","1","00","1","2"]}'],
    ['an escape', '{"id":1,"method":"mining.submit","params":["\\u0075","1","00","1","2"]}'],
    ['a parameter less', '{"id":1,"method":"mining.submit","params":["u","1","00","1"]}'],
    ['a parameter more', '{"id":1,"method":"mining.submit","params":["u","1","00","1","2","3","4"]}'],
    ['half a byte', '{"id":1,"method":"mining.submit","params":["u","1","000","1","2"]}'],
    ['nothing', ''],
  ])('leaves %s to the parser', (_, text) => {
    expect(reader.read(encoder.encode(text))).toBe(false);
  });
});
