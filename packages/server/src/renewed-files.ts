// Files that somebody else writes and renews while the process runs, such as a certificate and its key: whether they are others, and what is
// told of those that cannot be used.
import { statSync } from 'node:fs';
import { messageOf } from '@sluice/runtime/errors';

export interface RenewedFilesModules {
  /** Throws when the files cannot be used. */
  read(): void;
  /** They stay broken: called once for each state of theirs. */
  onBroken(reason: string): void;
}

export class RenewedFiles {
  readonly #paths: readonly string[];
  readonly #modules: RenewedFilesModules;
  /** The state of the files that were read last. */
  #known: string;
  /** The state of files that were broken at the last look, and of those that were told. */
  #broken = '';
  #told = '';

  /** To be made before the files are read first: what is written meanwhile is new. */
  constructor(paths: readonly string[], modules: RenewedFilesModules) {
    this.#paths = paths;
    this.#modules = modules;
    this.#known = stateOf(paths);
  }

  /** Called every few seconds. Returns whether they were others and have been read; never throws. */
  refresh(): boolean {
    const state = stateOf(this.#paths);
    if (state === this.#known) return false;
    try {
      this.#modules.read();
    } catch (error) {
      // Files are not read at once, nor always written so: what is broken is told when it stays so. It is tried again all the same: it may not have
      // been valid yet, or there was no file handle left.
      if (state === this.#broken && state !== this.#told) {
        this.#told = state;
        this.#modules.onBroken(messageOf(error));
      }
      this.#broken = state;
      return false;
    }
    this.#known = state;
    this.#broken = '';
    this.#told = '';
    return true;
  }
}

/** Another one when a file was written or replaced, also by a link to another folder, as Kubernetes does. */
const stateOf = (paths: readonly string[]) => paths.map(fileState).join(', ');

function fileState(path: string): string {
  try {
    const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch (error) {
    return messageOf(error);
  }
}
