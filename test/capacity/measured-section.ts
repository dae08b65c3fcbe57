// What a command of the measurements has written into a document of docs/: the tables of its section, and when it was.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const DOCS = join(import.meta.dirname, '../../docs');

interface MeasuredTable {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export class MeasuredSection {
  /** Day and commit. */
  readonly when: string;
  readonly #name: string;
  readonly #text: string;
  readonly #tables: readonly MeasuredTable[];

  /** @param name of the document and the command, for errors. */
  constructor(name: string, text: string) {
    this.#name = name;
    this.#text = text;
    this.#tables = text.split(/^#{2,3} /m).flatMap(tableOf);
    this.when = `${this.match(/ on (\d{4}-\d\d-\d\d)/)}, ${this.match(/Sluice at ([0-9a-f]+)/)}`;
  }

  /** @param file in docs/ @param command `load:compare` @throws when the file has no such section */
  static of(file: string, command: string): MeasuredSection {
    const section = MeasuredSection.find(file, command);
    if (section === undefined) throw new Error(`docs/${file} has nothing of npm run ${command}`);
    return section;
  }

  static find(file: string, command: string): MeasuredSection | undefined {
    const document = readFileSync(join(DOCS, file), 'utf8');
    const from = document.indexOf(`<!-- ${command} begins`);
    const to = document.indexOf(`<!-- ${command} ends`);
    if (from === -1 || to < from) return undefined;
    return new MeasuredSection(`docs/${file}, npm run ${command}`, document.slice(from, to));
  }

  /** The first group of the pattern in the whole section. */
  match(pattern: RegExp): string {
    const found = pattern.exec(this.#text)?.[1];
    if (found === undefined) throw new Error(`${this.#name}: nothing like ${pattern}`);
    return found;
  }

  /** First cells of all rows of a table; none: it is not there. @param title how it begins */
  rowNames(title: string): readonly string[] {
    const rows = this.#tables.find((table) => table.title.startsWith(title))?.rows ?? [];
    return [...new Set(rows.map(([name]) => name!))];
  }

  /** @param title how it begins @param names of the row: its first cells @returns where a cell has the least, the median and the most of several runs, the median */
  number(title: string, names: readonly string[], column: string): number {
    const table = this.#tables.find((each) => each.title.startsWith(title));
    const row = table?.rows.find((cells) => names.every((name, index) => cells[index] === name));
    const cells = row?.[table!.columns.indexOf(column)]?.split(' / ') ?? [];
    const value = Number.parseFloat((cells[1] ?? cells[0] ?? '').replaceAll(',', ''));
    if (Number.isNaN(value))
      throw new Error(`${this.#name}: no ${column} of ${names.join(', ')} in the table ${title}`);
    return value;
  }
}

/** The first table of what stands below a heading. */
function tableOf(part: string): readonly MeasuredTable[] {
  const lines = part.split('\n');
  const from = lines.findIndex((line) => line.startsWith('|'));
  if (from === -1) return [];
  const length = lines.slice(from).findIndex((line) => !line.startsWith('|'));
  const [columns, , ...rows] = lines.slice(from, length === -1 ? undefined : from + length).map(cellsOf);
  let name = '';
  // A row without a name belongs to the one above.
  const named = rows.map(([first = '', ...others]) => {
    if (first !== '') name = first;
    return [name, ...others];
  });
  return [{ title: lines[0]!, columns: columns!, rows: named }];
}

function cellsOf(line: string): readonly string[] {
  return line
    .replaceAll('**', '')
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}
