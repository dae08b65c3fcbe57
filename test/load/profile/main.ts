// `npm run load:profile`: where the gateway and the validator, or the proxy, spend the time of a share, under each load. Writes a section of
// docs/performance.md. Exit code 1: a run failed; 2: wrong flags.
import { helpText } from '@sluice/runtime/config/help';
import { loadConfig } from '@sluice/runtime/config/load';
import { codedMessageOf } from '@sluice/runtime/errors';
import { ExitCode } from '@sluice/runtime/exit-code';
import { profileRule, profileSettings } from './config.ts';
import { ProfileRun } from './profile-run.ts';

const doc =
  "Puts Sluice under the loads of `npm run load:compare` with Node's CPU profiler, and sums up where the time of a share goes.";

async function main(): Promise<number> {
  const loaded = loadConfig(profileSettings, { argv: process.argv.slice(2), env: process.env }, profileRule);
  if (loaded.kind === 'help') {
    process.stdout.write(helpText('npm run load:profile -- [flags]', doc, profileSettings));
    return ExitCode.ok;
  }
  if (loaded.kind === 'mistakes') {
    for (const mistake of loaded.mistakes) process.stderr.write(`load:profile: ${mistake}\n`);
    return ExitCode.usage;
  }
  const run = new ProfileRun(loaded.config);
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, async () => {
      await run.stop();
      process.exit(ExitCode.failed);
    });
  try {
    await run.run();
    return ExitCode.ok;
  } catch (error) {
    process.stderr.write(`load:profile: ${codedMessageOf(error)}\n`);
    return ExitCode.failed;
  } finally {
    await run.stop();
  }
}

process.exit(await main());
