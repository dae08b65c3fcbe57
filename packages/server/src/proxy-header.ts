// The header of the PROXY protocol, version 2, by which a load balancer tells whose connection it hands on
// [haproxy.org/download/3.0/doc/proxy-protocol.txt, 2.2].
import { SocketAddress } from 'node:net';

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const VERSION_1 = Buffer.from('PROXY ');
/** Signature, version and command, family, length. */
const FIXED_SIZE = SIGNATURE.length + 4;
/** The longest header that is read: what the specification says that a sender can count on to arrive in one piece. */
export const PROXY_HEADER_BOUND = 536;

const LOCAL = 0x20;
const PROXY = 0x21;
const TCP4 = 0x11;
const TCP6 = 0x21;
/** Neither has an address that means anything here: unspecified, and a stream of a Unix socket. */
const WITHOUT_ADDRESS: readonly number[] = [0x00, 0x31];

/** `v1`: the text of version 1; `missing`: no header at all. */
export type ProxyHeaderFault = 'missing' | 'v1' | 'malformed';

export interface ProxyHeader {
  /** Of the client, without its port; `undefined`: the connection is the load balancer's own, such as a health check. */
  readonly address: string | undefined;
  /** Bytes of the header; what follows them is the client's. */
  readonly size: number;
}

/** Reads the header at the beginning of a connection. `undefined`: not to be told before more bytes have come. */
export function readProxyHeader(received: Buffer): ProxyHeader | ProxyHeaderFault | undefined {
  if (!agree(received, SIGNATURE)) return agree(received, VERSION_1) ? 'v1' : 'missing';
  if (received.length < FIXED_SIZE) return undefined;
  const command = received[12]!;
  const family = received[13]!;
  const size = FIXED_SIZE + received.readUInt16BE(14);
  if ((command !== LOCAL && command !== PROXY) || size > PROXY_HEADER_BOUND) return 'malformed';
  // Of a connection of its own, what stands behind the length is to be passed over.
  const needed = command === LOCAL ? 0 : addressesSize(family);
  if (needed === undefined || size < FIXED_SIZE + needed) return 'malformed';
  if (received.length < size) return undefined;
  return { address: needed === 0 ? undefined : sourceAddress(received, family), size };
}

/** Whether a peer sends a header of either version. No first act of Noise begins so but by design. */
export function beginsAsProxyHeader(received: Buffer): boolean {
  return received.length >= SIGNATURE.length && (agree(received, SIGNATURE) || agree(received, VERSION_1));
}

/** Of both ends; `undefined`: no family that a stream can have. */
function addressesSize(family: number): number | undefined {
  if (family === TCP4) return 12;
  if (family === TCP6) return 36;
  return WITHOUT_ADDRESS.includes(family) ? 0 : undefined;
}

function sourceAddress(header: Buffer, family: number): string {
  if (family === TCP4) return header.subarray(FIXED_SIZE, FIXED_SIZE + 4).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => header.readUInt16BE(FIXED_SIZE + 2 * index).toString(16));
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address;
}

/** Whether the two are the same as far as both go. */
function agree(received: Buffer, begin: Buffer): boolean {
  const length = Math.min(received.length, begin.length);
  return received.subarray(0, length).equals(begin.subarray(0, length));
}
