// What every tool does that starts processes and measures them: flags, help, and an end that leaves nothing behind.
import type { ConfigOf, ConfigRule, Settings } from '@sluice/runtime/config';
import { helpText } from '@sluice/runtime/config/help';
import { loadConfig } from '@sluice/runtime/config/load';
import { codedMessageOf } from '@sluice/runtime/errors';
import { ExitCode } from '@sluice/runtime/exit-code';

export interface ToolRun {
  /** Resolves with whether everything held. */
  run(): Promise<boolean>;
  /** Ends everything; also in the middle. */
  stop(): Promise<void>;
}

export interface Tool<S extends Settings> {
  /** `npm run` this. */
  readonly name: string;
  readonly doc: string;
  readonly settings: S;
  readonly rule?: ConfigRule<S>;
  create(config: ConfigOf<S>): ToolRun;
}

/** Ends the process. */
export async function runTool<S extends Settings>(tool: Tool<S>): Promise<never> {
  process.exit(await exitCodeOf(tool));
}

async function exitCodeOf<S extends Settings>(tool: Tool<S>): Promise<number> {
  const { name, doc, settings, rule } = tool;
  const loaded = loadConfig(settings, { argv: process.argv.slice(2), env: process.env }, rule);
  if (loaded.kind === 'help') {
    process.stdout.write(helpText(`npm run ${name} -- [flags]`, doc, settings));
    return ExitCode.ok;
  }
  if (loaded.kind === 'mistakes') {
    for (const mistake of loaded.mistakes) process.stderr.write(`${name}: ${mistake}\n`);
    return ExitCode.usage;
  }
  const run = tool.create(loaded.config);
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, async () => {
      await run.stop();
      process.exit(ExitCode.failed);
    });
  try {
    return (await run.run()) ? ExitCode.ok : ExitCode.failed;
  } catch (error) {
    process.stderr.write(`${name}: ${codedMessageOf(error)}\n`);
    return ExitCode.failed;
  } finally {
    await run.stop();
  }
}
