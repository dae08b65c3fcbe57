// A Secret as a kubelet mounts it: entries in another folder each time, put in the place of the last one by one rename.
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class MountedSecret {
  readonly #folder: string;
  #mounted = 0;

  /** @param folder where it is mounted */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  /** @param data of the Secret, in base64 */
  mount(data: Readonly<Record<string, string>>): void {
    this.#mounted += 1;
    const name = `..${this.#mounted}`;
    mkdirSync(join(this.#folder, name));
    for (const [entry, text] of Object.entries(data)) {
      writeFileSync(join(this.#folder, name, entry), text, { encoding: 'base64', mode: 0o600 });
      if (this.#mounted === 1) symlinkSync(join('..data', entry), join(this.#folder, entry));
    }
    symlinkSync(name, join(this.#folder, '..data_tmp'));
    renameSync(join(this.#folder, '..data_tmp'), join(this.#folder, '..data'));
  }
}
