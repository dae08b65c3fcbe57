// A service's settings: one typed table gives the flags, the environment variables, the keys of the file, their defaults
// and their documentation. See config/load.ts for how values are found and config/help.ts for how they are shown.
import type { ValueType } from './config/value-types.ts';

export interface Setting<T> {
  readonly type: ValueType<T>;
  /** One sentence; units included. */
  readonly doc: string;
  readonly default?: T;
  /** May be absent: the value is `undefined` then. Without it and without a default the setting is required. */
  readonly optional?: true;
  /** Holds a credential: its value is never shown, not even in a mistake. Prefer a path to a file that holds it. */
  readonly secret?: true;
  /** Default: `SLUICE_` and the name, in capitals. Of several the first is the one that is shown. */
  readonly env?: string | readonly [string, ...string[]];
  /** Of an address to listen on: the toggle with which other processes may have it as well. */
  readonly sharedBy?: string;
}

// biome-ignore lint/suspicious/noExplicitAny: a table mixes settings of any type
export type Settings = Readonly<Record<string, Setting<any>>>;

type ValueOf<S> = S extends { readonly type: ValueType<infer T> }
  ? S extends { readonly optional: true }
    ? T | undefined
    : T
  : never;

/** The values of a table, all of them validated. */
export type ConfigOf<S extends Settings> = { readonly [K in keyof S]: ValueOf<S[K]> };

/** One setting with all its names. */
export interface NamedSetting {
  /** In code and in the file: `maxConnections`. */
  readonly name: string;
  /** Without dashes: `max-connections`. */
  readonly flag: string;
  /** `SLUICE_MAX_CONNECTIONS`. */
  readonly env: string;
  /** Variables that do as well. */
  readonly otherEnv: readonly string[];
  readonly setting: Setting<unknown>;
}

/** Checks the types of a table; the names of flags and variables come from the keys. */
export function defineConfig<const S extends Settings>(settings: S): S {
  return settings;
}

/** What holds between settings was broken. Neither text holds a secret. */
export interface ConfigMistake<Name extends string = string> {
  /** The mistake is told where this one stands. */
  readonly setting: Name;
  readonly problem: string;
  /** Completes the sentence "allowed: …". */
  readonly allowed: string;
}

/** Where a setting stands: `--listen`, `SLUICE_LISTEN` or `pool.yaml:12 listen`; all its names if it was not given. */
export type PlaceOf<Name extends string = string> = (setting: Name) => string;

/** What must hold between several settings. */
export type ConfigRule<S extends Settings> = (
  config: ConfigOf<S>,
  placeOf: PlaceOf<keyof S & string>,
) => readonly ConfigMistake<keyof S & string>[];

const words = (name: string) => name.replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase();

export function namedSettings(settings: Settings): readonly NamedSetting[] {
  return Object.entries(settings).map(([name, setting]) => {
    const flag = words(name);
    const { env = `SLUICE_${flag.replaceAll('-', '_').toUpperCase()}` } = setting;
    const [first, ...otherEnv] = typeof env === 'string' ? [env] : env;
    return { name, flag, env: first, otherEnv, setting };
  });
}
