// The report to every place that was asked for.
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunResult } from '../results.ts';
import { plotsOf } from './plots.ts';
import { CSV_HEADER, csvOf, markdownOf, textOf } from './table.ts';
import { tablesOf } from './tables.ts';
import type { Verdict } from './verdict.ts';

export function writeReport(result: RunResult, { failures, warnings }: Verdict): void {
  const { name, csv, markdown, plots } = result.config;
  const tables = tablesOf(result);
  const notes = [...failures.map((text) => `FAILED: ${text}`), ...warnings];
  process.stdout.write(`${[...tables.map(textOf), ...notes].join('\n')}\n`);
  if (csv !== undefined) {
    if (!existsSync(csv)) writeFileSync(csv, CSV_HEADER);
    appendFileSync(csv, tables.map((table) => csvOf(name, table)).join(''));
  }
  if (markdown !== undefined)
    writeFileSync(markdown, `${[...tables.map(markdownOf), ...notes.map((note) => `- ${note}\n`)].join('\n')}`);
  if (plots !== undefined) {
    mkdirSync(plots, { recursive: true });
    for (const [file, svg] of plotsOf(result)) writeFileSync(join(plots, file), svg);
  }
}
