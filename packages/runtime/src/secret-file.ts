// Secrets come from files, so that they stand in no process list, environment or log.
import { readFileSync } from 'node:fs';
import { messageOf, RuntimeError } from './errors.ts';

/** Far above any key or token; a larger file is the wrong one. */
const MAX_SECRET_BYTES = 65_536;

/** The text of the file without surrounding white space. @throws RuntimeError `secret-unreadable`, naming the path alone. */
export function readSecretFile(path: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new RuntimeError('secret-unreadable', `${path}: ${messageOf(error)}`);
  }
  const text = bytes.toString('utf8').trim();
  if (text === '' || bytes.length > MAX_SECRET_BYTES) {
    throw new RuntimeError(
      'secret-unreadable',
      `${path}: ${text === '' ? 'empty' : `larger than ${MAX_SECRET_BYTES} bytes`}`,
    );
  }
  return text;
}
