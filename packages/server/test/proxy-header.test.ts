import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addressRange, inRanges } from '../src/address-ranges.ts';
import { beginsAsProxyHeader, PROXY_HEADER_BOUND, readProxyHeader } from '../src/proxy-header.ts';
import { proxyHeader } from './support/proxy-header.ts';

const V4 = '203.0.113.7';
const V6 = '2001:db8:0:0:0:0:0:17';
const rest = Buffer.from('what the client sends');
const tlvs = Buffer.from('04000300ffff', 'hex');

test.each([
  ['IPv4', proxyHeader(V4), V4],
  ['IPv6', proxyHeader(V6), '2001:db8::17'],
  ['IPv4 with more behind the addresses', proxyHeader(V4, { tlvs }), V4],
  ['a connection of its own', proxyHeader(V4, { command: 0 }), undefined],
  ['one of its own, of a family that nobody knows', proxyHeader(V4, { command: 0, family: 0x77 }), undefined],
  ['a client without an address', proxyHeader(V4, { family: 0x00 }), undefined],
  ['a client on a Unix socket', proxyHeader(V4, { family: 0x31 }), undefined],
])('%s is read, at every cut, and its end is found', (_, header, address) => {
  for (let length = 0; length < header.length; length++)
    expect(readProxyHeader(header.subarray(0, length))).toBeUndefined();
  expect(readProxyHeader(header)).toEqual({ address, size: header.length });
  expect(readProxyHeader(Buffer.concat([header, rest]))).toEqual({ address, size: header.length });
});

// What HAProxy 2.6 was seen to send: `send-proxy-v2` for clients of IPv4 and IPv6, and `check-send-proxy`.
test.each([
  ['0d0a0d0a000d0a515549540a2111000c7f0000027f0000019271487c', '127.0.0.2'],
  [`0d0a0d0a000d0a515549540a21210024${'00000000000000000000000000000001'.repeat(2)}ca94487d`, '::1'],
  ['0d0a0d0a000d0a515549540a20000000', undefined],
])('HAProxy is understood: %s', (hex, address) => {
  const header = Buffer.from(hex, 'hex');
  expect(readProxyHeader(header)).toEqual({ address, size: header.length });
});

test.each([
  ['version 1', Buffer.from('PROXY TCP4 203.0.113.7 192.0.2.1 49153 3333\r\n'), 'v1'],
  ['its beginning', Buffer.from('PROXY '), 'v1'],
  ['Stratum V1', Buffer.from('{"id":1,'), 'missing'],
  ['a TLS handshake', Buffer.from('160301', 'hex'), 'missing'],
  ['another version', proxyHeader(V4, { version: 3 }), 'malformed'],
  ['another command', proxyHeader(V4, { command: 2 }), 'malformed'],
  ['a datagram', proxyHeader(V4, { family: 0x12 }), 'malformed'],
  ['a family that nobody knows', proxyHeader(V4, { family: 0x41 }), 'malformed'],
  ['IPv6 in the room of IPv4', proxyHeader(V4, { family: 0x21 }), 'malformed'],
  ['one byte more than is read', proxyHeader(V4, { tlvs: Buffer.alloc(PROXY_HEADER_BOUND - 27) }), 'malformed'],
] as const)('%s is refused', (_, bytes, fault) => {
  expect(readProxyHeader(bytes)).toBe(fault);
});

test('the longest header is read, and a longer one refused before it has come', () => {
  const longest = proxyHeader(V4, { tlvs: Buffer.alloc(PROXY_HEADER_BOUND - 28) });
  expect(longest).toHaveLength(PROXY_HEADER_BOUND);
  expect(readProxyHeader(longest)).toEqual({ address: V4, size: PROXY_HEADER_BOUND });
  expect(readProxyHeader(proxyHeader(V4, { tlvs: Buffer.alloc(60_000) }).subarray(0, 16))).toBe('malformed');
});

test('whatever comes, nothing is thrown, and more bytes never turn an answer into another', () => {
  const signed = fc
    .uint8Array({ minLength: 4, maxLength: 600 })
    .map((bytes) => Buffer.concat([proxyHeader(V4).subarray(0, 12), bytes]));
  const nearly = fc
    .tuple(fc.nat(27), fc.nat(255), fc.uint8Array({ maxLength: 40 }))
    .map(([at, value, after]) => Buffer.concat([proxyHeader(V4).fill(value, at, at + 1), after]));
  const any = fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.oneof(signed, nearly, any), fc.nat(640), (bytes, cut) => {
      const early = readProxyHeader(bytes.subarray(0, cut));
      const late = readProxyHeader(bytes);
      // Version 1 and something else begin alike.
      if (early !== undefined && early !== 'v1') expect(late).toEqual(early);
      if (typeof late === 'object') expect(late.size).toBeLessThanOrEqual(Math.min(bytes.length, PROXY_HEADER_BOUND));
      if (bytes.length >= PROXY_HEADER_BOUND) expect(late).toBeDefined();
    }),
    { numRuns: 3_000 },
  );
});

test('a header is known by its whole signature', () => {
  const header = proxyHeader(V4);
  expect(beginsAsProxyHeader(header)).toBe(true);
  expect(beginsAsProxyHeader(header.subarray(0, 11))).toBe(false);
  expect(beginsAsProxyHeader(Buffer.alloc(64, 0x0d))).toBe(false);
  expect(beginsAsProxyHeader(Buffer.from('PROXY UNKNOWN\r\n'))).toBe(true);
  expect(beginsAsProxyHeader(Buffer.from('PROXY TCP4 203.0.113.7 192.0.2.1'))).toBe(true);
});

test.each([
  ['10.0.0.0/8', '10.255.0.1', '11.0.0.1'],
  ['10.0.0.0/8', '::ffff:10.0.0.1', '::ffff:11.0.0.1'],
  ['192.0.2.7', '192.0.2.7', '192.0.2.8'],
  ['2001:db8::/32', '2001:db8:ffff::1', '2001:db9::1'],
  ['fe80::/10', 'fe80::1%eth0', '192.0.2.1'],
  ['0.0.0.0/0', '192.0.2.1', '2001:db8::1'],
])('%s holds %s and not %s', (text, inside, outside) => {
  const isInside = inRanges([addressRange().parse(text)!]);
  expect([isInside(inside), isInside(outside)]).toEqual([true, false]);
});

test.each(['', '10.0.0.0/33', '::/129', '10.0.0/8', '10.0.0.0/', 'balancer', '10.0.0.0/8/8', '10.0.0.256'])(
  '%s is no range',
  (text) => {
    expect(addressRange().parse(text)).toBeUndefined();
  },
);
