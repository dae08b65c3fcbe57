// `npm run bandwidth`: an hour of a farm in four ways to a pool beside Stratum V1, in bytes on sockets. Writes a section of
// docs/bandwidth.md and its plot. Exit code 1: something did not hold; 2: wrong flags.
import { writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { helpText } from '@sluice/runtime/config/help';
import { loadConfig } from '@sluice/runtime/config/load';
import { codedMessageOf } from '@sluice/runtime/errors';
import { ExitCode } from '@sluice/runtime/exit-code';
import { TRANSACTIONS } from '../compare/filled-node.ts';
import { writeSection } from '../report/document-section.ts';
import { armNames } from './arms.ts';
import { type BandwidthConfig, bandwidthSettings } from './config.ts';
import { failuresOf, figuresOf } from './figures.ts';
import { tryOut, wholeHour } from './hour.ts';
import { HourRun } from './hour-run.ts';
import { plotOf } from './plot.ts';
import { sectionOf } from './section.ts';
import { simulateVardiff } from './vardiff-hour.ts';

const doc =
  'Has a farm mine for an hour in five ways at the same time, without the pauses of that hour, and writes down what went over the sockets: Stratum V1, standard channels alone and in a group, and the proxy with all shares and with sixty a minute.';
const PLOT = 'bandwidth.svg';
const QUICK = { transactions: 20, paceSeconds: 5 } as const;

function say(text: string): void {
  process.stderr.write(`bandwidth: ${text}\n`);
}

async function measure({ quick, paceSeconds, document, plots }: BandwidthConfig): Promise<boolean> {
  const hour = quick ? tryOut : wholeHour;
  const options = quick ? QUICK : { transactions: TRANSACTIONS, paceSeconds };
  const run = new HourRun({ hour, ...options, say });
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, async () => {
      await run.stop();
      process.exit(ExitCode.failed);
    });
  try {
    const { measured, machine } = await run.run();
    const vardiff = simulateVardiff(hour.miners, hour.seconds);
    const figures = figuresOf(measured, vardiff, hour).toSorted(
      (a, b) => armNames.indexOf(a.arm.name) - armNames.indexOf(b.arm.name),
    );
    const failures = failuresOf(figures, measured, hour);
    const plot = join(plots, PLOT);
    const record = { hour, measured, figures, vardiff, failures, machine };
    const section = sectionOf({ ...record, plot: relative(dirname(document), plot) });
    process.stdout.write(`${section}\n`);
    if (quick) return failures.length === 0;
    writeFileSync(plot, plotOf(figures, hour.miners));
    writeSection(document, 'bandwidth', section);
    say(`written to ${document} and ${plot}`);
    return failures.length === 0;
  } finally {
    await run.stop();
  }
}

async function main(): Promise<number> {
  const loaded = loadConfig(bandwidthSettings, { argv: process.argv.slice(2), env: process.env });
  if (loaded.kind === 'help') {
    process.stdout.write(helpText('npm run bandwidth -- [flags]', doc, bandwidthSettings));
    return ExitCode.ok;
  }
  if (loaded.kind === 'mistakes') {
    for (const mistake of loaded.mistakes) process.stderr.write(`bandwidth: ${mistake}\n`);
    return ExitCode.usage;
  }
  try {
    return (await measure(loaded.config)) ? ExitCode.ok : ExitCode.failed;
  } catch (error) {
    say(codedMessageOf(error));
    return ExitCode.failed;
  }
}

process.exit(await main());
