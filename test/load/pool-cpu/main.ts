// `npm run load:pool-cpu`: what the same work of the same miners costs a pool, by the way that it comes. Writes a section of
// docs/performance.md. Exit code 1: a run failed, or the machine was too busy for its figures to be written; 2: wrong flags.
import { helpText } from '@sluice/runtime/config/help';
import { loadConfig } from '@sluice/runtime/config/load';
import { codedMessageOf } from '@sluice/runtime/errors';
import { ExitCode } from '@sluice/runtime/exit-code';
import { poolCpuSettings } from './config.ts';
import { PoolCpuRun } from './pool-cpu-run.ts';

const doc =
  'Measures the CPU time of all processes of a pool while the same work comes by extended channels, by standard channels, and by the one channel of a proxy with all shares and with one of a hundred times the work.';

async function main(): Promise<number> {
  const loaded = loadConfig(poolCpuSettings, { argv: process.argv.slice(2), env: process.env });
  if (loaded.kind === 'help') {
    process.stdout.write(helpText('npm run load:pool-cpu -- [flags]', doc, poolCpuSettings));
    return ExitCode.ok;
  }
  if (loaded.kind === 'mistakes') {
    for (const mistake of loaded.mistakes) process.stderr.write(`load:pool-cpu: ${mistake}\n`);
    return ExitCode.usage;
  }
  const run = new PoolCpuRun(loaded.config);
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, async () => {
      await run.stop();
      process.exit(ExitCode.failed);
    });
  try {
    return (await run.run()) ? ExitCode.ok : ExitCode.failed;
  } catch (error) {
    process.stderr.write(`load:pool-cpu: ${codedMessageOf(error)}\n`);
    return ExitCode.failed;
  } finally {
    await run.stop();
  }
}

process.exit(await main());
