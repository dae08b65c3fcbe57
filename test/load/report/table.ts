// The shape of a report: tables whose rows begin with their name. Terminal, Markdown and CSV are three ways to write them.

export type Cell = string | number | undefined;

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly [name: string, ...cells: Cell[]])[];
}

/** Three significant digits below a thousand, groups of three digits above. */
export function show(cell: Cell): string {
  if (cell === undefined) return '';
  if (typeof cell === 'string') return cell;
  if (!Number.isFinite(cell)) return '–';
  if (Number.isInteger(cell) || Math.abs(cell) >= 1_000)
    return String(Math.round(cell)).replaceAll(/\B(?=(\d{3})+$)/g, ',');
  return cell.toFixed(Math.max(0, Math.min(4, 2 - Math.floor(Math.log10(Math.abs(cell))))));
}

/** For a terminal: columns aligned, numbers to the right. */
export function textOf(table: Table): string {
  const lines = [table.columns, ...table.rows.map((row) => row.map(show))];
  const widths = table.columns.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const text = lines.map((line) =>
    widths
      .map((width, column) =>
        column === 0 ? (line[column] ?? '').padEnd(width) : (line[column] ?? '').padStart(width),
      )
      .join('  ')
      .trimEnd(),
  );
  return [table.title, ...text.map((line) => `  ${line}`), ''].join('\n');
}

export function markdownOf(table: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = table.columns.map((_, column) => (column === 0 ? '---' : '---:'));
  const rows = table.rows.map((row) => line(table.columns.map((_, column) => show(row[column]))));
  return [`### ${table.title}`, '', line(table.columns), `|${rule.join('|')}|`, ...rows, ''].join('\n');
}

export const CSV_HEADER = 'run,table,row,column,value\n';

/** A line for each cell, so that runs with different tables stand in one file. */
export function csvOf(run: string, table: Table): string {
  const lines = table.rows.flatMap(([name, ...cells]) =>
    cells.flatMap((cell, index) =>
      cell === undefined ? [] : [[run, table.title, name, table.columns[index + 1] ?? '', String(cell)]],
    ),
  );
  return lines.map((line) => `${line.map(quoted).join(',')}\n`).join('');
}

function quoted(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
