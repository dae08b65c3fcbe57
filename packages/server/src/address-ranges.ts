// Ranges of addresses in CIDR notation, as a setting and as a question.
import { BlockList, isIP } from 'node:net';
import type { ValueType } from '@sluice/runtime/config/value-types';

export interface AddressRange {
  readonly address: string;
  readonly family: 'ipv4' | 'ipv6';
  /** Leading bits that count. */
  readonly prefix: number;
}

/** `10.0.0.0/8`, `2001:db8::/32`, or one address. */
export function addressRange(): ValueType<AddressRange> {
  return {
    allowed: 'an address, or a range of them such as 10.0.0.0/8 or 2001:db8::/32',
    placeholder: 'CIDR',
    parse: parseRange,
    format: ({ address, prefix }) => `${address}/${prefix}`,
  };
}

function parseRange(value: string): AddressRange | undefined {
  const [, address, digits] = /^([\da-fA-F.:]+)(?:\/(\d{1,3}))?$/.exec(value) ?? [];
  if (address === undefined || isIP(address) === 0) return undefined;
  const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
  const bits = family === 'ipv4' ? 32 : 128;
  const prefix = digits === undefined ? bits : Number(digits);
  return prefix > bits ? undefined : { address, family, prefix };
}

/** Says whether an address, as a socket tells it, is in one of the ranges. */
export function inRanges(ranges: readonly AddressRange[]): (address: string) => boolean {
  const list = new BlockList();
  for (const { address, family, prefix } of ranges) list.addSubnet(address, prefix, family);
  return (address) => {
    const bare = address.split('%', 1)[0] as string;
    return list.check(bare, isIP(bare) === 6 ? 'ipv6' : 'ipv4');
  };
}
