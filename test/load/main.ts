// `npm run load`: puts a Stratum V2 pool under load and says what it did. Exit code 1: something did not hold; 2: wrong flags.
import { helpText } from '@sluice/runtime/config/help';
import { loadConfig } from '@sluice/runtime/config/load';
import { codedMessageOf } from '@sluice/runtime/errors';
import { ExitCode } from '@sluice/runtime/exit-code';
import { loadRule, loadSettings } from './config.ts';
import { verdictOf } from './report/verdict.ts';
import { openReport, writeReport } from './report/write.ts';
import { LoadRun } from './run.ts';

const doc =
  'Puts a Stratum V2 mining pool under load: connections with real shares, open and reconnect storms, idle connections, and new tips; reports what was sent, acknowledged and refused, and how long it took.';

async function main(): Promise<number> {
  const loaded = loadConfig(loadSettings, { argv: process.argv.slice(2), env: process.env }, loadRule);
  if (loaded.kind === 'help') {
    process.stdout.write(helpText('npm run load -- --pool URL [flags]', doc, loadSettings));
    return ExitCode.ok;
  }
  if (loaded.kind === 'mistakes') {
    for (const mistake of loaded.mistakes) process.stderr.write(`load: ${mistake}\n`);
    return ExitCode.usage;
  }
  try {
    openReport(loaded.config);
    const run = new LoadRun(loaded.config);
    process.once('SIGINT', () => {
      run.end();
      process.stderr.write('load: interrupted, nothing is reported\n');
      process.exit(ExitCode.failed);
    });
    const result = await run.run();
    const verdict = verdictOf(result);
    writeReport(result, verdict);
    return verdict.failures.length === 0 ? ExitCode.ok : ExitCode.failed;
  } catch (error) {
    process.stderr.write(`load: ${codedMessageOf(error)}\n`);
    return ExitCode.failed;
  }
}

process.exit(await main());
