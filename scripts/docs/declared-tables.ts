// Finds the tables that the reference pages are made from: by file name and by the end of the export's name.
import { globSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

export interface DeclaredTable {
  /** The workspace it stands in, such as `connection-gateway`. */
  readonly owner: string;
  readonly file: string;
  readonly name: string;
  readonly table: Readonly<Record<string, unknown>>;
}

/** Every exported object whose name ends in `suffix`, from the files that match, in the order of the files. */
export async function declaredTables(pattern: string, suffix: RegExp): Promise<readonly DeclaredTable[]> {
  const tables: DeclaredTable[] = [];
  for (const file of globSync(pattern, { cwd: root }).sort()) {
    const exported: Record<string, unknown> = await import(join(root, file));
    for (const [name, value] of Object.entries(exported)) {
      if (!suffix.test(name) || typeof value !== 'object' || value === null) continue;
      tables.push({
        owner: ownerOf(file),
        file,
        name,
        table: value as Record<string, unknown>,
      });
    }
  }
  return tables;
}

/** The workspace, or the command for what stands in a folder of the command line's own. */
function ownerOf(file: string): string {
  const [top = '', workspace = '', , ...inside] = file.split('/');
  if (top === 'operator') return top;
  if (top !== 'cli') return workspace;
  return inside.length > 0 ? (file.split('/')[2] ?? top) : 'sluice';
}

/** Text of a table's cell. */
export function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');
}
