// A part of a document that a command writes, between two markers of its name, and nothing else of that document.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { show } from './table.ts';

/** Other work on the machine beyond this part of it makes figures that are not written down. */
export const MAX_BUSY = 0.05;

/** In place of the section that is there, else at the end. `command`: `load:compare`. */
export function withSection(document: string, command: string, section: string): string {
  const begin = `<!-- ${command} begins: written by npm run ${command} -->`;
  const end = `<!-- ${command} ends -->`;
  const block = `${begin}\n\n${section}\n${end}`;
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from === -1 || to < from) return `${document.trimEnd()}\n\n${block}\n`.trimStart();
  return `${document.slice(0, from)}${block}${document.slice(to + end.length)}`;
}

export function writeSection(file: string, command: string, section: string): void {
  const document = existsSync(file) ? readFileSync(file, 'utf8') : '';
  writeFileSync(file, withSection(document, command, section));
}

/** The same for what was measured while other work took so much of the machine: false where that is too much, and nothing was written. */
export function writeMeasured(
  file: string,
  command: string,
  section: string,
  busy: number,
  say: (text: string) => void,
): boolean {
  if (busy > MAX_BUSY) {
    say(`not written to ${file}: other work took up to ${show(busy * 100)} % of the machine`);
    return false;
  }
  writeSection(file, command, section);
  say(`written to ${file}`);
  return true;
}
