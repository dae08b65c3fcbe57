// An upstream as it is told to us: its URL, and behind it what it alone is told.
import { formatServerUrl, parseServerUrl, type ServerUrl } from '@sluice/client/server-url';
import { formatHostPort, listOf, text, type ValueType } from '@sluice/runtime/config/value-types';

export interface UpstreamUrl extends ServerUrl {
  /** Instead of the identity that is set for all. */
  readonly identity?: string;
  /** Of a pool of Stratum V1; absent: it speaks Stratum V2. */
  readonly sv1Password?: string;
  /** Of a pool of Stratum V1 that is spoken to by TLS. */
  readonly isTls?: true;
}

/** Most pools of Stratum V1 take any, but want one. */
const ANY_PASSWORD = 'x';

/** More are not needed, and each has a series in the metrics. */
export const UPSTREAMS_BOUND = 8;

const ALLOWED =
  'stratum2+tcp://host:port/<authority key>, with ?identity=NAME where it has an identity of its own, or stratum+tcp://user:password@host:port, by TLS stratum+ssl://…, for one of Stratum V1; each upstream once, eight at most';

/** What a pool knows the farm by: a STR0_255 of the protocol. */
export function identityText(): ValueType<string> {
  const any = text({ allowed: 'at most 255 bytes' });
  return { ...any, parse: (value) => (Buffer.byteLength(value) <= 255 ? any.parse(value) : undefined) };
}

/** In order of preference. */
export function upstreamUrls(): ValueType<readonly UpstreamUrl[]> {
  const list = listOf<UpstreamUrl>({
    allowed: ALLOWED,
    placeholder: 'URL',
    parse: parseUpstreamUrl,
    format: formatUpstreamUrl,
  });
  return { ...list, allowed: ALLOWED, fault: (upstreams) => tooMany(upstreams) ?? twice(upstreams) };
}

function parseUpstreamUrl(value: string): UpstreamUrl | undefined {
  return value.startsWith('stratum+') ? parseSv1Url(value) : parseSv2Url(value);
}

/** The user is the identity, where there is one. Pools call TLS by two names. */
function parseSv1Url(value: string): UpstreamUrl | undefined {
  const match = /^stratum\+(tcp|ssl|tls):\/\/(?:([^\s:@/?]+)(?::([^\s@/?]*))?@)?([^\s@/?]+)\/?$/.exec(value);
  if (match === null) return undefined;
  const [, scheme, user, password, address] = match;
  const server = parseServerUrl(`stratum2+tcp://${address}`);
  const sv1Password = decoded(password ?? ANY_PASSWORD);
  // One that cannot be decoded is not sent as an empty one.
  if (server === undefined || (sv1Password === '' && password !== '')) return undefined;
  const sv1: UpstreamUrl = { ...server, sv1Password, ...(scheme === 'tcp' ? {} : { isTls: true }) };
  if (user === undefined) return sv1;
  const identity = identityText().parse(decoded(user));
  return identity === undefined ? undefined : { ...sv1, identity };
}

function parseSv2Url(value: string): UpstreamUrl | undefined {
  const [address = '', query, ...more] = value.split('?');
  const server = parseServerUrl(address);
  if (server === undefined || query === undefined) return server;
  const encoded = /^identity=([^&]+)$/.exec(query)?.[1];
  if (encoded === undefined || more.length > 0) return undefined;
  const identity = identityText().parse(decoded(encoded));
  return identity === undefined ? undefined : { ...server, identity };
}

/** Empty when it cannot be read. */
function decoded(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return '';
  }
}

function formatUpstreamUrl({ identity, sv1Password, isTls, ...server }: UpstreamUrl): string {
  if (sv1Password !== undefined) {
    const login = identity === undefined ? '' : `${encodeURIComponent(identity)}:${encodeURIComponent(sv1Password)}@`;
    return `stratum+${isTls ? 'ssl' : 'tcp'}://${login}${formatHostPort(server)}`;
  }
  return `${formatServerUrl(server)}${identity === undefined ? '' : `?identity=${encodeURIComponent(identity)}`}`;
}

function tooMany({ length }: readonly UpstreamUrl[]): string | undefined {
  return length > UPSTREAMS_BOUND ? `${length} upstreams` : undefined;
}

function twice(upstreams: readonly UpstreamUrl[]): string | undefined {
  const names = upstreams.map(formatHostPort);
  const again = names.find((name, index) => names.indexOf(name) !== index);
  return again === undefined ? undefined : `upstream ${again} is given twice`;
}
