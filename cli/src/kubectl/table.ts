import { stripVTControlCharacters } from 'node:util';

const GAP = 3;

/** Lines of columns as wide as their widest cell; colours have no width. @param rows the first is the head */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => widthOf(row[column])))) ?? [];
  return rows.map((row) =>
    row
      .map((text, column) => text + ' '.repeat((widths[column] ?? 0) - widthOf(text) + GAP))
      .join('')
      .trimEnd(),
  );
}

const widthOf = (text = '') => stripVTControlCharacters(text).length;
