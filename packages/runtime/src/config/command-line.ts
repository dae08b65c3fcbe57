// What every command does first: its settings are read and checked; help and mistakes are printed.
import type { ConfigOf, ConfigRule, PlaceOf, Settings } from '../config.ts';
import { ExitCode } from '../exit-code.ts';
import { helpText } from './help.ts';
import { listenMistakes } from './listen-mistakes.ts';
import { loadConfig } from './load.ts';

/** The tables of all commands by name, loaded only where a name is in question. */
export type CommandTables = () => Promise<ReadonlyMap<string, Settings>>;

export interface CommandLine<S extends Settings> {
  /** The command, such as `share-validator`. */
  readonly name: string;
  /** Default: `sluice NAME [flags]`. */
  readonly usage?: string;
  /** One sentence for help. */
  readonly doc: string;
  readonly settings: S;
  readonly rule?: ConfigRule<S> | undefined;
  /** Words after the command's name. */
  readonly argv: readonly string[];
  readonly commands?: CommandTables | undefined;
}

export type ReadCommandLine<S extends Settings> =
  | { readonly config: ConfigOf<S>; readonly placeOf: PlaceOf<keyof S & string> }
  | { readonly config?: undefined; readonly exitCode: number };

/** The values; or the exit code, when help or mistakes were printed instead. */
export async function readCommandLine<S extends Settings>(command: CommandLine<S>): Promise<ReadCommandLine<S>> {
  const { name, usage = `sluice ${name} [flags]`, doc, settings, rule, argv } = command;
  const inputs = { argv, env: process.env };
  let loaded = loadConfig(settings, inputs, rule);
  if (loaded.kind === 'mistakes' && command.commands !== undefined) {
    loaded = loadConfig(settings, { ...inputs, commands: await command.commands() }, rule);
  }
  if (loaded.kind === 'help') {
    process.stdout.write(helpText(usage, doc, settings));
    return { exitCode: ExitCode.ok };
  }
  const mistakes =
    loaded.kind === 'mistakes' ? loaded.mistakes : await listenMistakes(settings, loaded.config, loaded.placeOf);
  if (loaded.kind === 'config' && mistakes.length === 0) {
    return { config: loaded.config, placeOf: loaded.placeOf };
  }
  for (const mistake of mistakes) process.stderr.write(`sluice ${name}: ${mistake}\n`);
  return { exitCode: ExitCode.usage };
}
