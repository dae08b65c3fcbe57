// Finds the value of every setting: flag, then environment, then file, then default. All mistakes are collected, each one
// line that says what is wrong, where it stands and what is allowed; nothing starts with a mistake.
import { readFileSync } from 'node:fs';
import { type ConfigOf, type NamedSetting, namedSettings, type Settings } from '../config.ts';
import { messageOf } from '../errors.ts';
import { type RawSource, readEnvironment, readFlags, readYaml } from './sources.ts';

/** A configuration file is small; anything beyond this is the wrong file. */
const MAX_FILE_BYTES = 1_048_576;

export interface ConfigInputs {
  /** Words after the command's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

export type LoadedConfig<S extends Settings> =
  | { readonly kind: 'config'; readonly config: ConfigOf<S> }
  | { readonly kind: 'help' }
  | { readonly kind: 'mistakes'; readonly mistakes: readonly string[] };

/** A rule over several settings: mistakes as lines without a place, such as "minTarget is above maxTarget". */
export type ConfigRule<S extends Settings> = (config: ConfigOf<S>) => readonly string[];

/** Reads `--config FILE` or `SLUICE_CONFIG` too. */
export function loadConfig<S extends Settings>(
  settings: S,
  { argv, env }: ConfigInputs,
  rule: ConfigRule<S> = () => [],
): LoadedConfig<S> {
  const named = namedSettings(settings);
  const { rest, file, help, mistakes } = takeConfigFlag(argv, env.SLUICE_CONFIG);
  if (help) return { kind: 'help' };
  const sources = [readFlags(rest, named), readEnvironment(env, named)];
  if (file !== undefined) sources.push(readFile(file.path, file.where, named));
  mistakes.push(...sources.flatMap((source) => source.mistakes));

  const values: Record<string, unknown> = {};
  const attempted = new Set(sources.flatMap((source) => [...source.attempted]));
  for (const setting of named) {
    const found = settingValue(setting, sources, attempted);
    if (found.mistake !== undefined) mistakes.push(found.mistake);
    else values[setting.name] = found.value;
  }
  if (mistakes.length === 0) mistakes.push(...rule(values as ConfigOf<S>));
  if (mistakes.length > 0) return { kind: 'mistakes', mistakes: mistakes.map(oneLine) };
  return { kind: 'config', config: Object.freeze(values) as ConfigOf<S> };
}

function settingValue(
  { name, flag, env, setting }: NamedSetting,
  sources: readonly RawSource[],
  attempted: ReadonlySet<string>,
): { readonly value?: unknown; readonly mistake?: string } {
  for (const source of sources) {
    const raw = source.values.get(name);
    if (raw === undefined) continue;
    const value = setting.type.parse(raw.text);
    if (value !== undefined) return { value };
    const shown = setting.secret === true ? 'its value' : `"${raw.text}"`;
    return { mistake: `${raw.where}: ${shown} is not allowed; allowed: ${setting.type.allowed}` };
  }
  const mayBeAbsent = setting.default !== undefined || setting.optional === true || attempted.has(name);
  if (mayBeAbsent) return { value: setting.default };
  return { mistake: `${name}: not set; set --${flag}, ${env} or ${name} in the file to ${setting.type.allowed}` };
}

function takeConfigFlag(argv: readonly string[], variable: string | undefined) {
  const rest: string[] = [];
  const mistakes: string[] = [];
  let help = false;
  let file = variable === undefined || variable === '' ? undefined : { path: variable, where: 'SLUICE_CONFIG' };
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '--help' || word === '-h') help = true;
    else if (word === '--config' || word.startsWith('--config=')) {
      const path = word === '--config' ? argv[++i] : word.slice('--config='.length);
      if (path === undefined || path === '') mistakes.push('--config: has no value; allowed: the path of a YAML file');
      else file = { path, where: '--config' };
    } else rest.push(word);
  }
  return { rest, file, help, mistakes };
}

function readFile(path: string, where: string, settings: readonly NamedSetting[]): RawSource {
  try {
    const source = readFileSync(path);
    if (source.length > MAX_FILE_BYTES) {
      return unreadable(`${where}: ${path} is larger than ${MAX_FILE_BYTES} bytes`);
    }
    return readYaml(source.toString('utf8'), path, settings);
  } catch (error) {
    return unreadable(`${where}: cannot read the file: ${messageOf(error)}; allowed: the path of a YAML file`);
  }
}

function unreadable(mistake: string): RawSource {
  return { values: new Map(), mistakes: [mistake], attempted: new Set() };
}

/** Control characters never reach the terminal, and a mistake stays one line. */
function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}
