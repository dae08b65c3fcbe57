import { expect, test } from 'vitest';
import { type SpokenProtocol, spokenProtocol } from '../src/first-bytes.ts';

const CLIENT_HELLO = Buffer.from('16030100f8010000f40303abababababababababababababababababab', 'hex');

test.each<[string, Uint8Array, SpokenProtocol]>([
  ['a request', Buffer.from('{"id":1,"method":"mining.subscribe"'), 'stratum-v1'],
  ['a request behind blank lines', Buffer.from('\r\n \n{"id":1,"method":'), 'stratum-v1'],
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: pool\r\n'), 'http'],
  ['HTTP/2 without TLS', Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), 'http'],
  ['TLS', CLIENT_HELLO, 'tls'],
  [
    'the PROXY protocol',
    Buffer.from('0d0a0d0a000d0a515549540a2111000c7f0000027f0000019271487c', 'hex'),
    'proxy-header',
  ],
  ['version 1 of it', Buffer.from('PROXY TCP4 203.0.113.7 192.0.2.1 49153 34255\r\n'), 'proxy-header'],
  ['what begins like it', Buffer.from(`0d0a0d0a00${'c3'.repeat(59)}`, 'hex'), 'binary'],
  ['an ssh client', Buffer.from('SSH-2.0-OpenSSH_9.2p1\r\n'), 'text'],
  ['a key exchange of Noise', Buffer.from('8f'.repeat(64), 'hex'), 'binary'],
  ['one that begins like JSON', Buffer.from(`7b22${'c3'.repeat(62)}`, 'hex'), 'binary'],
  ['one that begins like TLS', Buffer.from(`1603${'c3'.repeat(62)}`, 'hex'), 'binary'],
  ['one that begins like TLS 1.0', Buffer.from(`160301${'c3'.repeat(61)}`, 'hex'), 'binary'],
  ['one that begins like HTTP', Buffer.from(`47455420${'c3'.repeat(60)}`, 'hex'), 'binary'],
])('%s', (_, received, protocol) => {
  expect(spokenProtocol(received)).toBe(protocol);
  // Once it is told, more bytes change nothing; before, nothing is told.
  const told = Array.from({ length: received.length }, (_unused, length) =>
    spokenProtocol(received.subarray(0, length)),
  );
  expect(new Set([...told, protocol])).toEqual(new Set([undefined, protocol]));
});
