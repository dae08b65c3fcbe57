// Secrets come from files, so that they stand in no process list, environment or log.
import { readFileSync, type Stats, statSync } from 'node:fs';
import { RuntimeError, systemReasonOf } from './errors.ts';

/** Far above any key or token; a larger file is the wrong one. */
const MAX_SECRET_BYTES = 65_536;
const OTHERS = 0o077;

/**
 * The text of the file without surrounding white space. As with ssh, a file of one's own that others may touch is refused; one of
 * another owner, such as Kubernetes mounts, is theirs to guard.
 * @throws RuntimeError `secret-unreadable`, naming the path alone.
 */
export function readSecretFile(path: string): string {
  let bytes: Buffer;
  let stats: Stats;
  try {
    stats = statSync(path);
    bytes = readFileSync(path);
  } catch (error) {
    throw new RuntimeError('secret-unreadable', `${path} cannot be read: ${systemReasonOf(error)}`);
  }
  const text = bytes.toString('utf8').trim();
  const refusal = refusalOf(stats, bytes.length, text);
  if (refusal !== undefined) throw new RuntimeError('secret-unreadable', `${path}: ${refusal}`);
  return text;
}

function refusalOf(stats: Stats, bytes: number, text: string): string | undefined {
  if (stats.isFile() && stats.uid === process.getuid?.() && (stats.mode & OTHERS) !== 0) {
    return `others may use it, its mode is ${(stats.mode & 0o777).toString(8).padStart(3, '0')}: chmod 600`;
  }
  if (text === '') return 'empty';
  return bytes > MAX_SECRET_BYTES ? `larger than ${MAX_SECRET_BYTES} bytes` : undefined;
}
