// The names that settings go by in each of the places: those of this command, and those that are another's.
import { type NamedSetting, namedSettings, type Settings } from '../config.ts';

/** A kind of place where settings stand. */
export type PlaceKind = 'flag' | 'variable' | 'key';

const spelledIn: Readonly<Record<PlaceKind, (setting: NamedSetting) => readonly string[]>> = {
  flag: ({ flag }) => [`--${flag}`],
  variable: ({ env, otherEnv }) => [env, ...otherEnv],
  key: ({ name }) => [name],
};

export class Names {
  readonly settings: readonly NamedSetting[];
  readonly #commands: ReadonlyMap<string, Settings>;

  constructor(settings: readonly NamedSetting[], commands: ReadonlyMap<string, Settings> = new Map()) {
    this.settings = settings;
    this.#commands = commands;
  }

  /** Settings of this command by how they are spelled in that kind of place. */
  in(kind: PlaceKind): ReadonlyMap<string, NamedSetting> {
    return new Map(this.settings.flatMap((setting) => spelledIn[kind](setting).map((name) => [name, setting])));
  }

  /** The commands that have a setting with this name. */
  ownersOf(kind: PlaceKind, spelling: string): readonly string[] {
    return [...this.#commands].flatMap(([command, settings]) =>
      namedSettings(settings).some((setting) => spelledIn[kind](setting).includes(spelling)) ? [command] : [],
    );
  }
}
