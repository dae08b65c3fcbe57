// What a load balancer writes before its client's first byte.
import { isIP } from 'node:net';

export interface HeaderOptions {
  /** Behind the addresses. */
  readonly tlvs?: Buffer;
  /** 0: the connection is the balancer's own; 1: that of a client. */
  readonly command?: number;
  readonly version?: number;
  readonly family?: number;
}

/** A header of version 2 for a client with this address, IPv4 or eight groups of IPv6. */
export function proxyHeader(client: string, options: HeaderOptions = {}): Buffer {
  const isV4 = isIP(client) === 4;
  const { tlvs = Buffer.alloc(0), command = 1, version = 2, family = isV4 ? 0x11 : 0x21 } = options;
  const source = isV4 ? Buffer.from(client.split('.').map(Number)) : groupBytes(client);
  const addresses = Buffer.concat([source, Buffer.alloc(source.length), Buffer.from('c0010d05', 'hex')]);
  const fixed = Buffer.from('0d0a0d0a000d0a515549540a00000000', 'hex');
  fixed[12] = (version << 4) | command;
  fixed[13] = family;
  fixed.writeUInt16BE(addresses.length + tlvs.length, 14);
  return Buffer.concat([fixed, addresses, tlvs]);
}

const groupBytes = (address: string) =>
  Buffer.from(
    address
      .split(':')
      .map((group) => group.padStart(4, '0'))
      .join(''),
    'hex',
  );
