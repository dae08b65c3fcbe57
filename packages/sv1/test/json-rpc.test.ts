import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { errorLine, notificationLine, parseMessage, requestLine, resultLine } from '../src/json-rpc.ts';
import { MAX_LINE_SIZE } from '../src/line-parser.ts';
import { readMinerRequest } from '../src/miner-requests.ts';
import { answeredId, readConfigured, readSubscription, refusalOf } from '../src/pool-answers.ts';
import { readPoolRequest } from '../src/pool-requests.ts';

const parse = (text: string) => parseMessage(Buffer.from(text));

test.each([
  ['a request', '{"id":1,"method":"a","params":[2]}', { kind: 'request', id: '1', method: 'a', params: [2] }],
  ['a request without parameters', '{"id":1,"method":"a"}', { kind: 'request', id: '1', method: 'a', params: [] }],
  ['a request with named parameters', '{"id":1,"method":"a","params":{"b":1}}', { kind: 'request', params: [] }],
  ['a request with a result of null', '{"id":1,"method":"a","params":[],"result":null}', { kind: 'request' }],
  ['a notification', '{"id":null,"method":"a","params":[]}', { kind: 'request', id: 'null' }],
  ['a notification without an id', '{"method":"a","params":[]}', { kind: 'request', id: 'null' }],
  ['an answer', '{"id":1,"result":true,"error":null}', { kind: 'response', id: '1', result: true, error: null }],
  [
    'an answer that names its method',
    '{"id":1,"method":"a","result":true}',
    { kind: 'response', result: true, error: null },
  ],
  [
    'an answer of JSON-RPC 2.0',
    '{"id":1,"error":{"code":-3}}',
    { kind: 'response', result: null, error: { code: -3 } },
  ],
  [
    'an old refusal',
    '{"id":1,"result":false,"error":null,"reject-reason":"x"}',
    { kind: 'response', rejectReason: 'x' },
  ],
  ['a number', '1', { kind: 'fault', code: 'line-not-a-message' }],
  ['a batch', '[{"id":1,"method":"a"}]', { kind: 'fault', code: 'line-not-a-message' }],
  ['null', 'null', { kind: 'fault', code: 'line-not-a-message' }],
  ['an object of something else', '{"id":1}', { kind: 'fault', code: 'line-not-a-message' }],
  ['a method that is no text', '{"id":1,"method":7}', { kind: 'fault', code: 'line-not-a-message' }],
  ['half a message', '{"id":1,"method":', { kind: 'fault', code: 'line-not-json' }],
  ['a BOM', '\ufeff{"id":1,"method":"a"}', { kind: 'fault', code: 'line-not-json' }],
])('%s', (_, text, expected) => {
  expect(parse(text)).toMatchObject(expected);
});

test('bytes that are no UTF-8 are a fault of their line', () => {
  expect(parseMessage(Buffer.from('7b226964223a22c328227d', 'hex'))).toEqual({ kind: 'fault', code: 'line-not-utf8' });
});

test.each([
  ['the last of two', '{"id":1,"method":"a","id":2}', '2'],
  ['behind one in a value', '{"x":{"id":7},"y":"\\"id\\":8","method":"a","id":9}', '9'],
  ['with an escaped name', '{"\\u0069d":5,"method":"a"}', '5'],
  ['with another escaped name', '{"\\u0069e":5,"method":"a"}', 'null'],
  ['between blanks', '{ "id" :\t12 ,\r"method":"a" }', '12'],
  ['at the end', '{"method":"a","id":12}', '12'],
  ['with escapes and brackets in it', '{"id":"\\\\\\"]}","method":"a"}', '"\\\\\\"]}"'],
])('the id %s', (_, text, id) => {
  expect(parse(text)).toMatchObject({ kind: 'request', id });
});

const json = fc.jsonValue({ maxDepth: 4 });
const blanks = fc.constantFrom('', ' ', '\t', '  ');

test('an id is the text that was sent, whatever stands around it', () => {
  const member = fc.tuple(
    fc.string().filter((name) => name !== 'id' && name !== 'method'),
    json,
  );
  fc.assert(
    fc.property(json, fc.array(member), fc.array(member), blanks, (id, before, after, space) => {
      const members = (list: readonly [string, unknown][]) =>
        list.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`);
      const raw = JSON.stringify(id, null, space.includes(' ') ? 1 : 0).replaceAll('\n', ' ');
      const own = [`"id"${space}:${space}${raw}${space}`, '"method":"a"', '"params":[]'];
      const parsed = parse(`{${space}${[...members(before), ...own, ...members(after)].join(',')}${space}}`);
      // A parameter list of another member's may make it an answer: the id is the same.
      expect(parsed).toMatchObject({ id: raw });
    }),
  );
});

test('no bytes throw, and what is read is of a known kind', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (line) => {
      expect(['request', 'response', 'fault']).toContain(parseMessage(line).kind);
    }),
  );
});

const METHODS = [
  ...['mining.configure', 'mining.subscribe', 'mining.authorize', 'mining.submit', 'mining.suggest_difficulty'],
  ...['mining.suggest_target', 'mining.extranonce.subscribe', 'mining.get_transactions', 'mining.ping', 'pong'],
  ...['mining.notify', 'mining.set_difficulty', 'mining.set_extranonce', 'mining.set_version_mask'],
  ...['client.reconnect', 'client.show_message', 'client.get_version', 'constructor', '__proto__', 'toString'],
];
const NEAR_MISSES = [
  ...[
    '',
    '00',
    'zz',
    '0x10',
    '%',
    '%zz',
    'ffffffff',
    '1e400',
    '-1',
    '.',
    '01'.repeat(32),
    '01'.repeat(33),
    '\u0000',
    '\ud800',
  ],
  ...[0, -0, -1, 1e308, 2 ** 53, 0.1, 33, null, true, [], [[]], [['mining.notify']], {}, { 'version-rolling.mask': 7 }],
];

test('no JSON throws, neither as a request nor as an answer', () => {
  const value = fc.oneof(
    json,
    fc.constantFrom(...NEAR_MISSES),
    fc.array(fc.constantFrom(...NEAR_MISSES), { maxLength: 10 }),
  );
  const request = fc.record({
    id: value,
    method: fc.constantFrom(...METHODS),
    params: fc.oneof(value, fc.array(value)),
  });
  const response = fc.record({ id: value, result: value, error: value, 'reject-reason': value });
  fc.assert(
    fc.property(fc.oneof(request, response, json), (message) => {
      const parsed = parse(JSON.stringify(message));
      if (parsed.kind === 'request') {
        expect(readMinerRequest(parsed).kind).toBeTypeOf('string');
        expect(readPoolRequest(parsed).kind).toBeTypeOf('string');
      } else if (parsed.kind === 'response') {
        const refusal = refusalOf(parsed);
        if (refusal !== undefined) expect([typeof refusal.code, typeof refusal.message]).toEqual(['number', 'string']);
        readSubscription(parsed);
        expect(readConfigured(parsed).versionMask).toBeTypeOf('number');
        answeredId(parsed);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('the deepest and the widest line are read or refused like any other', () => {
  const half = MAX_LINE_SIZE / 2;
  for (const text of ['['.repeat(half) + ']'.repeat(half), '{"a":'.repeat(1_600), '[0,'.repeat(2_700)])
    expect(parse(text)).toMatchObject({ kind: 'fault' });
  const deep = `{"params":${'['.repeat(4_000)}${']'.repeat(4_000)},"method":"a","id":3}`;
  expect(parse(deep)).toMatchObject({ kind: 'request', id: '3' });
});

test('what is written is ASCII on one line', () => {
  expect(requestLine(1, 'a', ['é\n"\u2028'])).toBe('{"id":1,"method":"a","params":["\\u00e9\\n\\"\\u2028"]}\n');
  expect(notificationLine('a', [1])).toBe('{"id":null,"method":"a","params":[1]}\n');
  expect(resultLine('"é"', { a: '😀' })).toBe('{"id":"é","result":{"a":"\\ud83d\\ude00"},"error":null}\n');
  expect(errorLine('7', 21, 'Job "x"')).toBe('{"id":7,"result":null,"error":[21,"Job \\"x\\"",null]}\n');
});
