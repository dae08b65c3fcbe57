// `npm run load:compare`: SRI's pool and Sluice, or the two's proxies, under the same loads on the same machine, in turn. Writes a section of
// docs/performance.md. Exit code 1: a run failed, or the machine was too busy for its figures to be written; 2: wrong flags.
import { helpText } from '@sluice/runtime/config/help';
import { loadConfig } from '@sluice/runtime/config/load';
import { codedMessageOf } from '@sluice/runtime/errors';
import { ExitCode } from '@sluice/runtime/exit-code';
import { CompareRun } from './compare-run.ts';
import { compareRule, compareSettings } from './config.ts';

const doc =
  "Puts SRI's pool and Sluice, every process of it counted, under the same loads in turn, on the same node and templates, and writes down what each cost; or SRI's translator and sluice proxy.";

async function main(): Promise<number> {
  const loaded = loadConfig(compareSettings, { argv: process.argv.slice(2), env: process.env }, compareRule);
  if (loaded.kind === 'help') {
    process.stdout.write(helpText('npm run load:compare -- [flags]', doc, compareSettings));
    return ExitCode.ok;
  }
  if (loaded.kind === 'mistakes') {
    for (const mistake of loaded.mistakes) process.stderr.write(`load:compare: ${mistake}\n`);
    return ExitCode.usage;
  }
  const run = new CompareRun(loaded.config);
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, async () => {
      await run.stop();
      process.exit(ExitCode.failed);
    });
  try {
    return (await run.run()) ? ExitCode.ok : ExitCode.failed;
  } catch (error) {
    process.stderr.write(`load:compare: ${codedMessageOf(error)}\n`);
    return ExitCode.failed;
  } finally {
    await run.stop();
  }
}

process.exit(await main());
