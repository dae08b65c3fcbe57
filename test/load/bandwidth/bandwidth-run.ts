// The hour, and what becomes of it: a section of a document and its plot.
import { writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { TRANSACTIONS } from '../compare/filled-node.ts';
import { writeSection } from '../report/document-section.ts';
import type { ToolRun } from '../tool.ts';
import { armNames } from './arms.ts';
import type { BandwidthConfig } from './config.ts';
import { failuresOf, figuresOf } from './figures.ts';
import { type Hour, tryOut, wholeHour } from './hour.ts';
import { HourRun } from './hour-run.ts';
import { plotOf } from './plot.ts';
import { sectionOf } from './section.ts';
import { simulateVardiff } from './vardiff-hour.ts';

const PLOT = 'bandwidth.svg';
const QUICK = { transactions: 20, paceSeconds: 5 } as const;

function say(text: string): void {
  process.stderr.write(`bandwidth: ${text}\n`);
}

export class BandwidthRun implements ToolRun {
  readonly #config: BandwidthConfig;
  readonly #hour: Hour;
  readonly #run: HourRun;

  constructor(config: BandwidthConfig) {
    const { quick, paceSeconds } = config;
    this.#config = config;
    this.#hour = quick ? tryOut : wholeHour;
    const options = quick ? QUICK : { transactions: TRANSACTIONS, paceSeconds };
    this.#run = new HourRun({ hour: this.#hour, ...options, say });
  }

  async run(): Promise<boolean> {
    const { quick, document, plots } = this.#config;
    const hour = this.#hour;
    const { measured, machine } = await this.#run.run();
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
  }

  stop(): Promise<void> {
    return this.#run.stop();
  }
}
