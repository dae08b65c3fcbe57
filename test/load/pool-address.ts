// Where a load goes: a pool of Stratum V2 by its URL with the authority key, or whatever speaks Stratum V1, a proxy above all.
import { formatServerUrl, parseServerUrl, type ServerUrl } from '@sluice/client/server-url';
import type { ValueType } from '@sluice/runtime/config/value-types';

export interface PoolAddress extends ServerUrl {
  /** Absent: Stratum V2. */
  readonly protocol?: 'stratum-v1' | undefined;
}

const V1_SCHEME = 'stratum+tcp://';
const V2_SCHEME = 'stratum2+tcp://';

/** `stratum2+tcp://host:port/<authority key>`, or `stratum+tcp://host:port`. */
export function poolAddress(): ValueType<PoolAddress> {
  return {
    allowed: 'stratum2+tcp://host:port/<authority key> or stratum+tcp://host:port',
    placeholder: 'URL',
    parse(text) {
      const isV1 = text.startsWith(V1_SCHEME);
      const server = parseServerUrl(isV1 ? V2_SCHEME + text.slice(V1_SCHEME.length) : text);
      if (server === undefined || (isV1 && server.authorityKey !== undefined)) return undefined;
      return isV1 ? { ...server, protocol: 'stratum-v1' } : server;
    },
    format: formatPoolAddress,
  };
}

export function formatPoolAddress({ protocol, ...server }: PoolAddress): string {
  const url = formatServerUrl(server);
  return protocol === 'stratum-v1' ? V1_SCHEME + url.slice(V2_SCHEME.length) : url;
}
