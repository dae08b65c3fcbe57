import { randomBytes } from '@sluice/runtime/random';
import { expect, test } from 'vitest';
import { speaksStratumV1 } from '../src/stratum-v1.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

test.each([
  '{"id": 1, "method": "mining.subscribe", "params": []}\n',
  '{"method":"mining.configure","params":[["version-rolling"]],"id":1}',
])('%s', (line) => {
  expect(speaksStratumV1(bytes(line))).toBe(true);
});

test('a key exchange, also one that begins like JSON, is none', () => {
  const key = randomBytes(64);
  key[0] = 0x7b;
  key[15] = 0x80;
  expect(speaksStratumV1(key)).toBe(false);
  expect(speaksStratumV1(bytes('GET / HTTP/1.1\r\nHost: pool'))).toBe(false);
  expect(speaksStratumV1(bytes('{"id"'))).toBe(false);
});
