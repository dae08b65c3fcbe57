import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';

/** Asks a person; resolves with whether they said yes. Who goes without an answer has not. */
export async function isConfirmed(question: string, input: Readable, output: Writable): Promise<boolean> {
  const terminal = createInterface({ input, output });
  try {
    // The question itself would wait for ever then.
    const gone = once(terminal, 'close').then(() => '');
    return /^y(es)?$/i.test((await Promise.race([terminal.question(`${question} [y/N] `), gone])).trim());
  } finally {
    terminal.close();
  }
}
