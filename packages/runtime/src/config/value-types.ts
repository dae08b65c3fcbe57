// The kinds of values that settings can have. Each says in words what is allowed, for help, mistakes and documentation.

export interface ValueType<T> {
  /** Completes the sentence "allowed: …". */
  readonly allowed: string;
  /** Stands for the value in help: `HOST:PORT`. Empty for switches. */
  readonly placeholder: string;
  /** `undefined`: not allowed. */
  parse(text: string): T | undefined;
  /** How a default is shown. */
  format(value: T): string;
  /** Several values: a repeated flag, a YAML list, or separated by commas. */
  readonly list?: true;
  /** A switch: a flag without a value. */
  readonly toggle?: true;
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

/** A path of the file system; whether it exists is for its user to find out. */
export function path(): ValueType<string> {
  return { ...text({ allowed: 'a path', placeholder: 'PATH' }) };
}

/** `host:port`, `[v6]:port`, or `:port` for all interfaces. Port 0 is any free one. */
export function hostPort(): ValueType<HostPort> {
  return {
    allowed: 'host:port, with a port from 0 to 65535',
    placeholder: 'HOST:PORT',
    parse(value) {
      const match = /^(?:\[([\da-fA-F:.%\w]+)\]|([^\s:[\]]*)):(\d{1,5})$/.exec(value);
      const port = Number(match?.[3]);
      if (match === null || port > 65_535) return undefined;
      const host = match[1] ?? match[2];
      return { host: host === undefined || host === '' ? '0.0.0.0' : host, port };
    },
    format: formatHostPort,
  };
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
    parse(value) {
      const items = value
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '')
        .map((part) => item.parse(part));
      return items.includes(undefined) ? undefined : (items as T[]);
    },
    format: (values) => values.map((value) => item.format(value)).join(','),
  };
}
