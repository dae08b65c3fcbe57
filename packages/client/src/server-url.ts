// A server as it is told to clients: stratum2+tcp://host:port/<authority key in base58check> [sv2 4.7].
import { decodeAuthorityPublicKey, encodeAuthorityPublicKey } from '@sluice/noise/authority-key';
import type { ValueType } from '@sluice/runtime/config/value-types';

export interface ServerUrl {
  readonly host: string;
  readonly port: number;
  /** 32 bytes, x-only. Without it any server is trusted. */
  readonly authorityKey?: Uint8Array;
}

const FORM = /^stratum2\+tcp:\/\/(?:\[([\da-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})(?:\/([1-9A-HJ-NP-Za-km-z]*))?$/;

/** `undefined`: not of this form, or the key is damaged. */
export function parseServerUrl(text: string): ServerUrl | undefined {
  const match = FORM.exec(text);
  if (match === null) return undefined;
  const [, v6, name, portText, key] = match;
  const host = v6 ?? name;
  const port = Number(portText);
  if (host === undefined || port === 0 || port > 65_535) return undefined;
  if (key === undefined || key === '') return { host, port };
  const authorityKey = decodeAuthorityPublicKey(key);
  return authorityKey && { host, port, authorityKey };
}

export function formatServerUrl({ host, port, authorityKey }: ServerUrl): string {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return `stratum2+tcp://${address}${authorityKey === undefined ? '' : `/${encodeAuthorityPublicKey(authorityKey)}`}`;
}

/** A setting of this form. */
export function serverUrl(): ValueType<ServerUrl> {
  return {
    allowed: 'stratum2+tcp://host:port/<authority key>',
    placeholder: 'URL',
    parse: parseServerUrl,
    format: formatServerUrl,
  };
}
