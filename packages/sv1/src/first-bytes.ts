// What a peer speaks, by the first bytes of its connection, so that a server can say what it was taken for.

/** `text` is neither JSON nor HTTP; `binary` is everything else, a Noise handshake among it. */
export type SpokenProtocol = 'stratum-v1' | 'http' | 'tls' | 'text' | 'binary';

/** Shorter than any request of Stratum V1. So many random bytes are all text about twice in ten million times. */
const LOOKED_AT = 16;
const HTTP = /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|CONNECT|TRACE|PATCH|PRI) /;

/** `undefined`: not to be told before more bytes have come, 16 at most. Blank lines may stand first. */
export function spokenProtocol(received: Uint8Array): SpokenProtocol | undefined {
  if (received[0] === 0x16) return tlsOrBinary(received);
  const head = received.subarray(0, LOOKED_AT);
  if (!head.every(isText)) return 'binary';
  if (head.length < LOOKED_AT) return undefined;
  const text = String.fromCharCode(...head).trimStart();
  if (text.startsWith('{')) return 'stratum-v1';
  if (text === '') return 'text';
  return HTTP.test(text) ? 'http' : 'text';
}

/** A TLS record of type handshake, major version 3, whose first message is a ClientHello [RFC 8446 5.1, 4]. */
function tlsOrBinary(received: Uint8Array): SpokenProtocol | undefined {
  if (received.length < 6) return undefined;
  return received[1] === 3 && received[2]! <= 4 && received[5] === 1 ? 'tls' : 'binary';
}

function isText(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}
