// Devices that speak Stratum V1: lines of JSON instead of a key exchange.

/** Every request of Stratum V1 is longer. Random bytes are taken for one once in a thousand million times. */
const LOOKED_AT = 16;
const BRACE = 0x7b;

/** Whether the first bytes of a connection are a line of JSON; not before there are enough of them. */
export function speaksStratumV1(received: Uint8Array): boolean {
  if (received.length < LOOKED_AT || received[0] !== BRACE) return false;
  return received.subarray(0, LOOKED_AT).every((byte) => byte >= 0x20 && byte < 0x7f);
}
