// `npm run load:long`: a pool under a steady load, with templates and blocks as they come on the main network or faster. Writes a section of
// docs/performance.md. Exit code 1: memory has grown, an event loop has stalled, or a share was lost or counted twice; 2: wrong flags.
import { helpText } from '@sluice/runtime/config/help';
import { loadConfig } from '@sluice/runtime/config/load';
import { codedMessageOf } from '@sluice/runtime/errors';
import { ExitCode } from '@sluice/runtime/exit-code';
import { longRule, longSettings } from './config.ts';
import { LongRun } from './long-run.ts';

const doc =
  'Puts a whole pool, as processes with a nats-server that syncs, under a steady load for long, and holds against it that memory does not grow, that no event loop stalls, and that no share is lost or counted twice.';

async function main(): Promise<number> {
  const loaded = loadConfig(longSettings, { argv: process.argv.slice(2), env: process.env }, longRule);
  if (loaded.kind === 'help') {
    process.stdout.write(helpText('npm run load:long -- [flags]', doc, longSettings));
    return ExitCode.ok;
  }
  if (loaded.kind === 'mistakes') {
    for (const mistake of loaded.mistakes) process.stderr.write(`load:long: ${mistake}\n`);
    return ExitCode.usage;
  }
  const run = new LongRun(loaded.config);
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, async () => {
      await run.stop();
      process.exit(ExitCode.failed);
    });
  try {
    return (await run.run()) ? ExitCode.ok : ExitCode.failed;
  } catch (error) {
    process.stderr.write(`load:long: ${codedMessageOf(error)}\n`);
    return ExitCode.failed;
  } finally {
    await run.stop();
  }
}

process.exit(await main());
