// The report to every place that was asked for.
import { appendFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadConfig } from '../config.ts';
import type { RunResult } from '../results.ts';
import { plotsOf } from './plots.ts';
import { CSV_HEADER, csvOf, markdownOf, textOf } from './table.ts';
import { tablesOf } from './tables.ts';
import type { Verdict } from './verdict.ts';

/** Makes the files and the folder of the report; throws before anything is measured where that cannot be. */
export function openReport({ csv, markdown, plots }: LoadConfig): void {
  for (const file of [csv, markdown]) if (file !== undefined) appendFileSync(file, '');
  if (plots !== undefined) mkdirSync(plots, { recursive: true });
}

export function writeReport(result: RunResult, { failures, warnings }: Verdict): void {
  const { name, csv, markdown, plots } = result.config;
  const tables = tablesOf(result);
  const notes = [...failures.map((text) => `FAILED: ${text}`), ...warnings];
  process.stdout.write(`${[...tables.map(textOf), ...notes].join('\n')}\n`);
  if (csv !== undefined) {
    if (statSync(csv).size === 0) writeFileSync(csv, CSV_HEADER);
    appendFileSync(csv, tables.map((table) => csvOf(name, table)).join(''));
  }
  if (markdown !== undefined)
    writeFileSync(markdown, `${[...tables.map(markdownOf), ...notes.map((note) => `- ${note}\n`)].join('\n')}`);
  if (plots !== undefined) {
    for (const [file, svg] of plotsOf(result)) writeFileSync(join(plots, file), svg);
  }
}
