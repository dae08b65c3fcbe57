// The three places where settings stand, read into one shape: raw text by setting, and where that text stands.
import { parseArgs } from 'node:util';
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { NamedSetting } from '../config.ts';
import type { Names } from './names.ts';
import { nearestName } from './nearest-name.ts';

/** A value as it was written, and where: `--listen`, `SLUICE_LISTEN` or `pool.yaml:12 listen`. */
export interface RawValue {
  readonly text: string;
  readonly where: string;
}

export interface RawSource {
  readonly values: ReadonlyMap<string, RawValue>;
  /** One line each. */
  readonly mistakes: readonly string[];
  /** Settings that somebody tried to give under a wrong name or in a wrong shape: not to be called missing as well. */
  readonly attempted: ReadonlySet<string>;
}

/** Collects what one place holds. */
class Reading implements RawSource {
  readonly values = new Map<string, RawValue>();
  readonly mistakes: string[] = [];
  readonly attempted = new Set<string>();

  /** A name that no setting has: suggests the nearest of `names`, which leads from spelling to setting. */
  unknown(where: string, what: string, spelling: string, names: ReadonlyMap<string, string>): void {
    const nearest = nearestName(spelling, names.keys());
    if (nearest !== undefined) this.attempted.add(names.get(nearest) ?? nearest);
    const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
    this.mistakes.push(`${where}: unknown ${what}${hint}; allowed: what --help lists`);
  }

  /** A setting whose value cannot even be read. */
  unreadable(name: string, mistake: string): void {
    this.attempted.add(name);
    this.mistakes.push(mistake);
  }
}

/** Flags as `--name value`, `--name=value`, `--switch` and `--no-switch`; lists repeat. Positional words are mistakes. */
export function readFlags(argv: readonly string[], names: Names): RawSource {
  const reading = new Reading();
  const byFlag = names.in('flag');
  let wordOfUnknownFlag = -1;
  for (const token of flagTokens(argv, names.settings)) {
    if (token.kind === 'positional' && token.index !== wordOfUnknownFlag) {
      reading.mistakes.push(`${token.value}: not understood; allowed: flags such as --name value`);
    }
    if (token.kind !== 'option') continue;
    const positive = byFlag.get(token.rawName.replace(/^--no-/, '--'));
    const negated = token.rawName.startsWith('--no-') && positive?.setting.type.toggle === true;
    const named = negated ? positive : byFlag.get(token.rawName);
    if (named === undefined) {
      unknownFlag(reading, names, token.rawName, positive);
      wordOfUnknownFlag = token.value === undefined ? token.index + 1 : -1;
      continue;
    }
    if (negated && token.value !== undefined) {
      reading.unreadable(named.name, `${token.rawName}: has a value; allowed: ${token.rawName} alone`);
      continue;
    }
    const text = negated ? 'false' : (token.value ?? (named.setting.type.toggle === true ? 'true' : undefined));
    takeFlag(reading, named, token.rawName, text);
  }
  return reading;
}

function unknownFlag(reading: Reading, names: Names, rawName: string, positive: NamedSetting | undefined): void {
  const owners = names.ownersOf('flag', rawName);
  if (positive !== undefined) {
    const { name, flag, setting } = positive;
    reading.unreadable(name, `${rawName}: --${flag} is no switch; allowed: --${flag} with ${setting.type.allowed}`);
  } else if (owners.length > 0) {
    reading.mistakes.push(
      `${rawName}: a flag of ${owners.join(' and ')}, not of this command; allowed: what --help lists`,
    );
  } else {
    const spellings = new Map([...names.in('flag')].map(([flag, { name }]) => [flag, name]));
    for (const flag of ['--config', '--help']) spellings.set(flag, flag);
    reading.unknown(rawName, 'flag', rawName, spellings);
  }
}

function flagTokens(argv: readonly string[], settings: readonly NamedSetting[]) {
  const options = settings.map(({ flag, setting }) => {
    const type = setting.type.toggle === true ? ('boolean' as const) : ('string' as const);
    return [flag, { type }] as const;
  });
  return parseArgs({
    args: [...argv],
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: Object.fromEntries(options),
  }).tokens;
}

function takeFlag(reading: Reading, { name, setting }: NamedSetting, where: string, text: string | undefined): void {
  const { type } = setting;
  const before = reading.values.get(name);
  if (text === undefined) reading.unreadable(name, `${where}: has no value; allowed: ${type.allowed}`);
  else if (before === undefined) reading.values.set(name, { text, where });
  else if (type.list === true) reading.values.set(name, { text: `${before.text},${text}`, where });
  else reading.mistakes.push(`${where}: given twice; allowed: once`);
}

/** What Kubernetes puts into every container for each Service of the namespace, `SLUICE_GATEWAY_PORT_3333_TCP=tcp://…`. */
const SERVICE_LINK = /_SERVICE_(HOST|PORT(_\w+)?)$|_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$/;

/** Read elsewhere than from a table: the configuration file, and the module of secp256k1-wasm.ts. */
const PROCESS_VARIABLES = ['SLUICE_CONFIG', 'SLUICE_SECP256K1_WASM'] as const;

/**
 * Environment variables; an empty one counts as absent. Unknown ones are mistakes if they begin with `SLUICE_`, and no command has a
 * setting of that name.
 */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>, names: Names): RawSource {
  const reading = new Reading();
  const byVariable = names.in('variable');
  for (const [variable, { name, env: first }] of byVariable) {
    const text = env[variable];
    if (text === undefined || text === '') continue;
    const before = reading.values.get(name);
    if (before === undefined) reading.values.set(name, { text, where: variable });
    else if (before.text !== text) {
      reading.mistakes.push(`${variable}: differs from ${first}, which is the same setting; allowed: one of them`);
    }
  }
  const spellings = new Map([...byVariable].map(([variable, { name }]) => [variable, name]));
  for (const variable of PROCESS_VARIABLES) spellings.set(variable, variable);
  for (const variable of Object.keys(env)) {
    if (!variable.startsWith('SLUICE_') || spellings.has(variable) || SERVICE_LINK.test(variable)) continue;
    if (names.ownersOf('variable', variable).length > 0) continue;
    reading.unknown(variable, 'environment variable', variable, spellings);
  }
  return reading;
}

const FILE_ALLOWED = 'one map, with lines such as "listen: 0.0.0.0:3333"';

/** A YAML file whose top level holds the settings by name, also those of other commands. `file` is what mistakes call it. */
export function readYaml(source: string, file: string, names: Names): RawSource {
  const reading = new Reading();
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, uniqueKeys: true });
  for (const { code, message, linePos } of document.errors) {
    const reason = code === 'MULTIPLE_DOCS' ? 'a second document begins' : message.split(/ at line|\n/)[0];
    reading.mistakes.push(`${file}:${linePos?.[0].line ?? 1}: not valid YAML: ${reason}; allowed: ${FILE_ALLOWED}`);
  }
  if (reading.mistakes.length > 0 || document.contents === null) return reading;
  if (!isMap(document.contents)) {
    reading.mistakes.push(`${file}:1: not a map; allowed: ${FILE_ALLOWED}`);
    return reading;
  }
  const byName = names.in('key');
  const spellings = new Map([...byName.keys()].map((name) => [name, name]));
  for (const { key, value } of document.contents.items) {
    const keyNode = key as Node;
    const name = isScalar(keyNode) ? String(keyNode.value) : String(keyNode);
    const where = `${file}:${lines.linePos(keyNode.range?.[0] ?? 0).line} ${name}`;
    const type = byName.get(name)?.setting.type;
    if (type === undefined) {
      if (names.ownersOf('key', name).length === 0) reading.unknown(where, 'key', name, spellings);
      continue;
    }
    const text = scalarText(value as Node | null, type.list === true);
    if (text === undefined) reading.unreadable(name, `${where}: wrong shape; allowed: ${type.allowed}`);
    else if (text !== '' || type.list === true) reading.values.set(name, { text, where });
  }
  return reading;
}

/** A scalar as it was written, a list joined by commas; '' for an empty value; `undefined` for anything else. */
function scalarText(node: Node | null, list: boolean): string | undefined {
  if (node === null) return '';
  if (isAlias(node)) return undefined;
  if (isSeq(node) && list) {
    const items = node.items.map((item) => scalarText(item as Node | null, false));
    return items.some((item) => item === undefined || item.includes(',')) ? undefined : items.join(',');
  }
  if (!isScalar(node)) return undefined;
  if (node.value === null) return '';
  return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
}
