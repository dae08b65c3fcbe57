// Finds the value of every setting: flag, then environment, then file, then default. All mistakes are collected, each one
// line that says what is wrong, where it stands and what is allowed; nothing starts with a mistake.
import { readFileSync } from 'node:fs';
import {
  type ConfigOf,
  type ConfigRule,
  type NamedSetting,
  namedSettings,
  type PlaceOf,
  type Settings,
} from '../config.ts';
import { systemReasonOf } from '../errors.ts';
import { Names } from './names.ts';
import { type RawSource, readEnvironment, readFlags, readYaml } from './sources.ts';

/** A configuration file is small; anything beyond this is the wrong file. */
const MAX_FILE_BYTES = 1_048_576;

export interface ConfigInputs {
  /** Words after the command's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The tables of all commands by name: one environment and one file may serve several of them. */
  readonly commands?: ReadonlyMap<string, Settings>;
}

export type LoadedConfig<S extends Settings> =
  | { readonly kind: 'config'; readonly config: ConfigOf<S>; readonly placeOf: PlaceOf }
  | { readonly kind: 'help' }
  | { readonly kind: 'mistakes'; readonly mistakes: readonly string[] };

/** Reads `--config FILE` or `SLUICE_CONFIG` too. */
export function loadConfig<S extends Settings>(
  settings: S,
  { argv, env, commands }: ConfigInputs,
  rule: ConfigRule<S> = () => [],
): LoadedConfig<S> {
  const names = new Names(namedSettings(settings), commands);
  const { rest, file, help, mistakes } = takeOwnFlags(argv, env.SLUICE_CONFIG);
  if (help) return { kind: 'help' };
  const sources = [readFlags(rest, names), readEnvironment(env, names)];
  if (file !== undefined) sources.push(readFile(file.path, file.where, names));
  mistakes.push(...sources.flatMap((source) => source.mistakes));

  const values: Record<string, unknown> = {};
  const places = new Map<string, string>();
  const attempted = new Set(sources.flatMap((source) => [...source.attempted]));
  for (const setting of names.settings) {
    const { place, value, mistake } = settingValue(setting, sources, attempted);
    places.set(setting.name, place);
    if (mistake !== undefined) mistakes.push(`${place}: ${mistake}`);
    else values[setting.name] = value;
  }
  const placeOf: PlaceOf = (name) => places.get(name) ?? name;
  if (mistakes.length === 0) {
    const broken = rule(values as ConfigOf<S>, placeOf);
    mistakes.push(...broken.map(({ setting, problem, allowed }) => mistakeText(placeOf(setting), problem, allowed)));
  }
  if (mistakes.length > 0) return { kind: 'mistakes', mistakes: mistakes.map(oneLine) };
  return { kind: 'config', config: Object.freeze(values) as ConfigOf<S>, placeOf };
}

/** The one form of a mistake. */
export function mistakeText(place: string, problem: string, allowed: string): string {
  return `${place}: ${problem}; allowed: ${allowed}`;
}

function settingValue(
  { name, flag, env, setting }: NamedSetting,
  sources: readonly RawSource[],
  attempted: ReadonlySet<string>,
): { readonly place: string; readonly value?: unknown; readonly mistake?: string } {
  const { type } = setting;
  for (const source of sources) {
    const raw = source.values.get(name);
    if (raw === undefined) continue;
    const place = raw.where;
    const value = type.parse(raw.text);
    const problem =
      value === undefined
        ? `${setting.secret === true ? 'its value' : `"${withoutCredentials(raw.text)}"`} is not allowed`
        : type.fault?.(value);
    return problem === undefined ? { place, value } : { place, mistake: `${problem}; allowed: ${type.allowed}` };
  }
  const place = `--${flag}, ${env} or ${name} in the file`;
  const value = setting.default;
  if (value !== undefined) {
    const problem = type.fault?.(value);
    return problem === undefined ? { place, value } : { place, mistake: `${problem}; allowed: ${type.allowed}` };
  }
  if (setting.optional === true || attempted.has(name)) return { place };
  return { place, mistake: `not set; allowed: ${type.allowed}` };
}

/** A URL may have a password in it wherever one is given, whether it is one of those that are allowed there or not. */
function withoutCredentials(text: string): string {
  return text.replace(/^.*@/s, '…@');
}

const CONFIG_ALLOWED = 'the path of a YAML file';

/** The flags that every command has. */
function takeOwnFlags(argv: readonly string[], variable: string | undefined) {
  const rest: string[] = [];
  const mistakes: string[] = [];
  let help = false;
  let flags = 0;
  let file = variable === undefined || variable === '' ? undefined : { path: variable, where: 'SLUICE_CONFIG' };
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '--help' || word === '-h') help = true;
    else if (word.startsWith('--help=')) mistakes.push(mistakeText('--help', 'has a value', '--help alone'));
    else if (word === '--config' || word.startsWith('--config=')) {
      const next = argv[i + 1]?.startsWith('--') === true ? undefined : argv[i + 1];
      const path = word === '--config' ? next : word.slice('--config='.length);
      if (word === '--config' && next !== undefined) i += 1;
      flags += 1;
      if (path === undefined || path === '') mistakes.push(mistakeText('--config', 'has no value', CONFIG_ALLOWED));
      else file = { path, where: '--config' };
    } else rest.push(word);
  }
  if (flags > 1) mistakes.push(mistakeText('--config', 'given twice', 'once'));
  return { rest, file, help, mistakes };
}

function readFile(path: string, where: string, names: Names): RawSource {
  try {
    const source = readFileSync(path);
    if (source.length <= MAX_FILE_BYTES) return readYaml(source.toString('utf8'), path, names);
    return unreadable(mistakeText(where, `${path} is larger than ${MAX_FILE_BYTES} bytes`, CONFIG_ALLOWED));
  } catch (error) {
    return unreadable(mistakeText(where, `cannot read ${path}: ${systemReasonOf(error)}`, CONFIG_ALLOWED));
  }
}

function unreadable(mistake: string): RawSource {
  return { values: new Map(), mistakes: [mistake], attempted: new Set() };
}

/** Control characters never reach the terminal, and a mistake stays one line. */
function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}
