// An upstream as it is told to us: its URL, and behind it what it alone is told.
import { formatServerUrl, parseServerUrl, type ServerUrl } from '@sluice/client/server-url';
import { fileFault } from '@sluice/runtime/config/path-types';
import { formatHostPort, listOf, parsePath, text, type ValueType } from '@sluice/runtime/config/value-types';
import { readSecretFile } from '@sluice/runtime/secret-file';

export interface UpstreamUrl extends ServerUrl {
  /** Instead of the identity that is set for all. */
  readonly identity?: string;
  /** Of the farm's hashrate beside the others that have one; absent: it is to fall back on. */
  readonly weight?: number;
  /** Whom blocks pay: it is a node of the farm's own, which speaks Template Distribution. An address or descriptor. */
  readonly payout?: string;
  /** Of a pool of Stratum V1; absent: it speaks Stratum V2. */
  readonly sv1Password?: string;
  /** Where that password stands instead, to be read at each connection. */
  readonly passwordFile?: string;
  /** Of a pool of Stratum V1 that is spoken to by TLS. */
  readonly isTls?: true;
}

/** Most pools of Stratum V1 take any, but want one. */
const ANY_PASSWORD = 'x';

/** Of an upstream's part of the farm. */
const WEIGHT_BOUND = 1_000;

/** More are not needed, and each has a series in the metrics. */
export const UPSTREAMS_BOUND = 8;

const ALLOWED =
  'stratum2+tcp://host:port/<authority key>, with ?identity=NAME where it has an identity of its own, or stratum+tcp://user:password@host:port, or ?passwordFile=FILE in place of the password, by TLS stratum+ssl://…, for one of Stratum V1; ?payout=ADDRESS behind the Template Distribution server of a node that belongs to the farm; ?weight=1 to ?weight=1000 behind those that share the farm; each upstream once, eight at most';

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
  return {
    ...list,
    allowed: ALLOWED,
    fault: (upstreams) => tooMany(upstreams) ?? twice(upstreams) ?? unreadable(upstreams),
  };
}

/** What is not safe about an upstream, for people; `undefined`: nothing. */
export function riskOf({ sv1Password, isTls, authorityKey }: UpstreamUrl): string | undefined {
  if (sv1Password !== undefined) return isTls ? undefined : 'Stratum V1 to a pool is open to anybody on the way';
  return authorityKey === undefined ? 'no authority key in the URL: any server is trusted' : undefined;
}

function parseUpstreamUrl(value: string): UpstreamUrl | undefined {
  const [address = '', query, ...more] = value.split('?');
  const options = readOptions(query);
  if (options === undefined || more.length > 0) return undefined;
  const isSv1 = address.startsWith('stratum+');
  // Of two passwords nobody would know which counts.
  if (options.passwordFile !== undefined && !/^stratum\+[^:]+:\/\/[^:@]+@/.test(address)) return undefined;
  // With Stratum V1 an identity stands before the host, and a pool pays as it likes; a node knows no accounts.
  const names = [options.identity, options.payout].filter((name) => name !== undefined);
  if (names.length > (isSv1 ? 0 : 1)) return undefined;
  const server = isSv1 ? parseSv1Url(address) : parseServerUrl(address);
  return server && { ...server, ...options };
}

type UpstreamOptions = Pick<UpstreamUrl, 'identity' | 'payout' | 'weight' | 'passwordFile'>;

/** What stands behind the question mark, in any order and each once. */
function readOptions(query: string | undefined): UpstreamOptions | undefined {
  const options: { -readonly [K in keyof UpstreamOptions]: UpstreamOptions[K] } = {};
  for (const part of query?.split('&') ?? []) {
    const [, name, value = ''] = /^(identity|payout|weight|passwordFile)=(.+)$/.exec(part) ?? [];
    if (name === undefined || name in options) return undefined;
    if (name === 'weight') {
      const weight = /^\d{1,4}$/.test(value) ? Number(value) : 0;
      if (weight < 1 || weight > WEIGHT_BOUND) return undefined;
      options.weight = weight;
    } else if (name === 'passwordFile') {
      const file = parsePath(decoded(value));
      if (file === undefined) return undefined;
      options.passwordFile = file;
    } else {
      const known = identityText().parse(decoded(value));
      if (known === undefined) return undefined;
      options[name === 'payout' ? 'payout' : 'identity'] = known;
    }
  }
  return options;
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

/** Empty when it cannot be read. */
function decoded(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return '';
  }
}

function formatUpstreamUrl(upstream: UpstreamUrl): string {
  const { identity, payout, weight, sv1Password, passwordFile, isTls, ...server } = upstream;
  const shared = weight === undefined ? [] : [`weight=${weight}`];
  if (sv1Password !== undefined) {
    const file = passwordFile === undefined ? [] : [`passwordFile=${encodeURIComponent(passwordFile)}`];
    const password = passwordFile === undefined ? `:${encodeURIComponent(sv1Password)}` : '';
    const login = identity === undefined ? '' : `${encodeURIComponent(identity)}${password}@`;
    return `stratum+${isTls ? 'ssl' : 'tcp'}://${login}${formatHostPort(server)}${queryOf([...file, ...shared])}`;
  }
  const own = identity === undefined ? [] : [`identity=${encodeURIComponent(identity)}`];
  const solo = payout === undefined ? [] : [`payout=${encodeURIComponent(payout)}`];
  return `${formatServerUrl(server)}${queryOf([...own, ...solo, ...shared])}`;
}

function queryOf(options: readonly string[]): string {
  return options.length === 0 ? '' : `?${options.join('&')}`;
}

function tooMany({ length }: readonly UpstreamUrl[]): string | undefined {
  return length > UPSTREAMS_BOUND ? `${length} upstreams` : undefined;
}

function unreadable(upstreams: readonly UpstreamUrl[]): string | undefined {
  const faults = upstreams.map(({ passwordFile }) => passwordFile && fileFault(passwordFile, readSecretFile));
  return faults.find((fault) => fault !== undefined);
}

function twice(upstreams: readonly UpstreamUrl[]): string | undefined {
  const names = upstreams.map(formatHostPort);
  const again = names.find((name, index) => names.indexOf(name) !== index);
  return again === undefined ? undefined : `upstream ${again} is given twice`;
}
