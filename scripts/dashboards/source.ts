// A dashboard as it is written by hand, in charts/dashboards.
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';

const folder = join(import.meta.dirname, '../../charts/dashboards');

export interface Panel {
  readonly title: string;
  /** Each a line of its own, in the words of `query.ts`. */
  readonly show: readonly string[];
  readonly as?: 'stat';
  /** Of Grafana's, where the names of the metrics do not tell it. */
  readonly unit?: string;
}

export interface Dashboard {
  /** Of its file. */
  readonly name: string;
  readonly title: string;
  /** Whose pods it is about, which decides by what one chooses among them. */
  readonly of: 'pool' | 'fleet' | 'operator';
  readonly rows: readonly { readonly title: string; readonly panels: readonly Panel[] }[];
}

/** @throws Error that names the file and what in it is unknown */
export function dashboards(): readonly Dashboard[] {
  return globSync('*.yaml', { cwd: folder })
    .sort()
    .map((file) => {
      const written = parse(readFileSync(join(folder, file), 'utf8'));
      const known = (value: object, ...keys: string[]) => {
        const unknown = Object.keys(value).find((key) => !keys.includes(key));
        if (unknown !== undefined) throw new Error(`${file}: ${unknown}`);
      };
      known(written, 'title', 'of', 'rows');
      for (const row of written.rows) {
        known(row, 'title', 'panels');
        for (const panel of row.panels) known(panel, 'title', 'show', 'as', 'unit');
      }
      return { name: basename(file, '.yaml'), ...written };
    });
}
