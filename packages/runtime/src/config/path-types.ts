// Paths whose files are looked at when the settings are read, so that a mistake is told before anything starts.
import { mkdtempSync, readFileSync, rmdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { codeOf, RuntimeError, systemReasonOf } from '../errors.ts';
import { readSecretFile } from '../secret-file.ts';
import { path, type ValueType } from './value-types.ts';

interface FileOptions {
  /** What the file holds, as in "a file with …". */
  readonly holds: string;
  /** Why that text is not it; shows nothing of a secret. */
  readonly fault?: (text: string) => string | undefined;
}

/** A file that is there and can be read. */
export function readableFile({ holds, fault }: FileOptions): ValueType<string> {
  return { ...path(), allowed: `a file with ${holds}`, fault: (file) => fileFault(file, readText, fault) };
}

/** A file with a secret, which nobody but its owner may use. */
export function secretFile({ holds, fault }: FileOptions): ValueType<string> {
  return {
    ...path(),
    allowed: `a file with ${holds}, for its owner alone (mode 600)`,
    fault: (file) => fileFault(file, readSecretFile, fault),
  };
}

/** A folder, or where one can be made. */
export function folder(): ValueType<string> {
  return { ...path(), allowed: 'a folder that can be written, or made', fault: folderFault };
}

/** A folder that others write and this process reads. */
export function readableFolder(...files: readonly string[]): ValueType<string> {
  return {
    ...path(),
    allowed: `a folder with ${files.join(' and ')}`,
    fault: (directory) => {
      const faults = files.map((file) => fileFault(join(directory, file), readText));
      return faults.find((fault) => fault !== undefined);
    },
  };
}

const readText = (file: string) => readFileSync(file, 'utf8');

/** Why the file cannot be read or does not hold what it should. */
export function fileFault(
  file: string,
  read: (file: string) => string = readText,
  fault?: (text: string) => string | undefined,
): string | undefined {
  try {
    const stats = statSync(file);
    if (stats.isDirectory()) return `${file} is a folder`;
    // What is no plain file, such as a pipe of the shell, can be read once only.
    if (!stats.isFile()) return undefined;
    const text = read(file);
    const found = fault?.(text);
    return found === undefined ? undefined : `${file} ${found}`;
  } catch (error) {
    return error instanceof RuntimeError ? error.message : `${file} cannot be read: ${systemReasonOf(error)}`;
  }
}

/**
 * Why the folder can be neither written nor made. Tried with a folder that is gone again at once: no question to the system answers this for every
 * file system, and making several levels in one never returns where the first cannot be made.
 */
export function folderFault(directory: string): string | undefined {
  for (let present = resolve(directory); ; present = dirname(present)) {
    try {
      if (!statSync(present).isDirectory()) return `${present} is not a folder`;
      rmdirSync(mkdtempSync(join(present, '.sluice-')));
      return undefined;
    } catch (error) {
      const above = codeOf(error) === 'ENOENT' && present !== dirname(present) && !isPresent(present);
      if (above) continue;
      return `${directory} cannot be ${isPresent(directory) ? 'written' : 'made'}: ${systemReasonOf(error)}`;
    }
  }
}

function isPresent(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
