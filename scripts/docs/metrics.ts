// docs/reference/metrics.md from the metric tables of packages and services.
import type { MetricTable } from '@sluice/runtime/metrics';
import { cell, declaredTables } from './declared-tables.ts';

function labelText(labels: Readonly<Record<string, readonly string[] | string>>): string {
  const described = Object.entries(labels).map(([name, values]) =>
    typeof values === 'string' ? `\`${name}\`: ${values}` : `\`${name}\`: ${values.join(', ')}`,
  );
  return cell(described.join('; '));
}

/** The whole document. */
export async function renderMetrics(): Promise<string> {
  const tables = await declaredTables('{packages,services,operator,cli}/{*/src,src}/**/*metrics.ts', /Metrics$/);
  const sections = tables.map(({ owner, file, table }) => {
    const rows = Object.values(table as MetricTable).map(
      ({ name, kind, help, labels }) => `| \`${name}\` | ${kind} | ${cell(help)} | ${labelText(labels)} |`,
    );
    return `## ${owner}\n\nFrom \`${file}\`.\n\n| metric | kind | what it tells | labels |\n|---|---|---|---|\n${rows.join('\n')}`;
  });
  return `# Metrics\n\nEvery process serves these at \`/metrics\` of its health address, beside prom-client's process metrics. The values of each\nlabel are bounded: listed here, or by what is named. Generated from the metric tables.\n\n${sections.join('\n\n')}\n`;
}
