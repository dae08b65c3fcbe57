// The kinds of values that settings can have. Each says in words what is allowed, for help, mistakes and documentation.
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface ValueType<T> {
  /** Completes the sentence "allowed: …". */
  readonly allowed: string;
  /** Stands for the value in help: `HOST:PORT`. Empty for switches. */
  readonly placeholder: string;
  /** `undefined`: not allowed. */
  parse(text: string): T | undefined;
  /** Why a value of the right form cannot be used on this machine now, such as a file that is not there. Shows no secret. */
  fault?(value: T): string | undefined;
  /** How a default is shown. */
  format(value: T): string;
  /** Several values: a repeated flag, a YAML list, or separated by commas. */
  readonly list?: true;
  /** A switch: a flag without a value. */
  readonly toggle?: true;
  /** An address that the process listens on. `nearby`: a port that is taken gives way to another one. */
  readonly listens?: 'exactly' | 'nearby';
}

/** A host and a port, as of a listening socket. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

interface Bounds {
  readonly min: number;
  readonly max: number;
}

const range = ({ min, max }: Bounds) => `from ${numberText(min)} to ${numberText(max)}`;

/** Large whole numbers in groups of three digits, which is how they may be written as well: `1_000_000`. */
function numberText(value: number): string {
  const digits = String(value);
  return /^\d{6,}$/.test(digits) ? digits.replaceAll(/\B(?=(\d{3})+$)/g, '_') : digits;
}

function numberOf(text: string): number {
  return Number(text.replaceAll('_', ''));
}

export function integer(bounds: Bounds): ValueType<number> {
  return {
    allowed: `a whole number ${range(bounds)}`,
    placeholder: 'N',
    parse: (text) => (/^-?\d[\d_]*$/.test(text) ? within(numberOf(text), bounds) : undefined),
    format: numberText,
  };
}

export function decimal(bounds: Bounds): ValueType<number> {
  return {
    allowed: `a number ${range(bounds)}`,
    placeholder: 'X',
    parse: (text) => (/^-?\d[\d_]*(\.\d+)?(e[+-]?\d+)?$/i.test(text) ? within(numberOf(text), bounds) : undefined),
    format: numberText,
  };
}

function within(value: number, { min, max }: Bounds): number | undefined {
  return value >= min && value <= max ? value : undefined;
}

export function toggle(): ValueType<boolean> {
  return {
    allowed: 'true or false',
    placeholder: '',
    toggle: true,
    parse: (text) => ({ true: true, false: false, yes: true, no: false, '1': true, '0': false })[text.toLowerCase()],
    format: String,
  };
}

/** One of a few numbers. */
export function oneOfNumbers<const N extends number>(values: readonly N[]): ValueType<N> {
  return {
    allowed: values.join(', '),
    placeholder: 'N',
    parse: (text) => values.find((value) => String(value) === text),
    format: String,
  };
}

export function oneOf<const V extends string>(values: readonly V[]): ValueType<V> {
  return {
    allowed: values.join(', '),
    placeholder: 'WORD',
    parse: (text) => values.find((value) => value === text),
    format: (value) => value,
  };
}

/** Any text that matches the pattern; `allowed` describes it. */
export function text(options: {
  readonly allowed: string;
  readonly placeholder?: string;
  readonly pattern?: RegExp;
}): ValueType<string> {
  return {
    allowed: options.allowed,
    placeholder: options.placeholder ?? 'TEXT',
    parse: (value) => (value !== '' && (options.pattern ?? /^/).test(value) ? value : undefined),
    format: (value) => value,
  };
}

/** A path of the file system, `~/` being the home folder: shells expand that in few places, and nothing else does. */
export function path(): ValueType<string> {
  return {
    allowed: 'a path',
    placeholder: 'PATH',
    parse: parsePath,
    format: (value) => value,
  };
}

/** `undefined`: empty, with a character that no path has, or in the home folder of somebody else. */
export function parsePath(value: string): string | undefined {
  if (value === '' || value.includes('\0')) return undefined;
  if (!value.startsWith('~')) return value;
  return value === '~' || value.startsWith('~/') ? join(homedir(), value.slice(1)) : undefined;
}

/** Where somebody else listens: `host:port` or `[v6]:port`. */
export function hostPort(): ValueType<HostPort> {
  return {
    allowed: 'host:port, with a port from 1 to 65535',
    placeholder: 'HOST:PORT',
    parse(value) {
      const address = parseHostPort(value);
      return address === undefined || address.port === 0 ? undefined : address;
    },
    format: formatHostPort,
  };
}

/** Where this process listens; `:port` is all interfaces, port 0 any free one. */
export function listenAddress(listens: 'exactly' | 'nearby' = 'exactly'): ValueType<HostPort> {
  return {
    allowed: 'host:port, an address of this machine and a free port from 1 to 65535, or 0 for any',
    placeholder: 'HOST:PORT',
    listens,
    parse: parseHostPort,
    format: formatHostPort,
  };
}

function parseHostPort(value: string): HostPort | undefined {
  const match = /^(?:\[([\da-fA-F:.%\w]+)\]|([^\s:[\]]*)):(\d{1,5})$/.exec(value);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) return undefined;
  const host = match[1] ?? match[2];
  return { host: host === undefined || host === '' ? '0.0.0.0' : host, port };
}

export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A URL with one of these schemes, such as `http` and `https`. */
export function url(schemes: readonly string[]): ValueType<URL> {
  return {
    allowed: `a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
    placeholder: 'URL',
    parse(value) {
      if (!URL.canParse(value)) return undefined;
      const parsed = new URL(value);
      return schemes.includes(parsed.protocol.slice(0, -1)) && parsed.hostname !== '' ? parsed : undefined;
    },
    format: (value) => value.href,
  };
}

/** Zero or more values of a kind. An empty text is the empty list. */
export function listOf<T>(item: ValueType<T>): ValueType<readonly T[]> {
  return {
    allowed: `a list of: ${item.allowed}`,
    placeholder: item.placeholder,
    list: true,
    ...(item.listens === undefined ? {} : { listens: item.listens }),
    parse(value) {
      const items = value
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '')
        .map((part) => item.parse(part));
      return items.includes(undefined) ? undefined : (items as T[]);
    },
    fault(values) {
      for (const value of values) {
        const fault = item.fault?.(value);
        if (fault !== undefined) return fault;
      }
      return undefined;
    },
    format: (values) => values.map((value) => item.format(value)).join(','),
  };
}
