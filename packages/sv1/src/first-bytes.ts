// What a peer speaks, by the first bytes of its connection, so that a server can say what it was taken for.

/**
 * `proxy-header`: a load balancer tells whose connection follows, in either version of the PROXY protocol. `text` is neither JSON nor HTTP; `binary` is
 * everything else, a Noise handshake among it.
 */
export type SpokenProtocol = 'stratum-v1' | 'http' | 'tls' | 'proxy-header' | 'text' | 'binary';

/** Shorter than any request of Stratum V1. So many random bytes are all text about twice in ten million times. */
const LOOKED_AT = 16;
/** How version 2 of the PROXY protocol begins [haproxy.org/download/3.0/doc/proxy-protocol.txt, 2.2]. */
const PROXY_SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
const HTTP = /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|CONNECT|TRACE|PATCH|PRI) /;

/** `undefined`: not to be told before more bytes have come, 16 at most. Blank lines may stand first. */
export function spokenProtocol(received: Uint8Array): SpokenProtocol | undefined {
  if (received[0] === 0x16) return tlsOrBinary(received);
  if (PROXY_SIGNATURE.every((byte, index) => index >= received.length || received[index] === byte))
    return received.length < PROXY_SIGNATURE.length ? undefined : 'proxy-header';
  const head = received.subarray(0, LOOKED_AT);
  if (!head.every(isText)) return 'binary';
  if (head.length < LOOKED_AT) return undefined;
  const text = String.fromCharCode(...head).trimStart();
  if (text.startsWith('{')) return 'stratum-v1';
  if (text === '') return 'text';
  if (text.startsWith('PROXY ')) return 'proxy-header';
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
