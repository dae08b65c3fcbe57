// Images without any registry: built by buildah from a Dockerfile into a store in the cache, and written as the archives that a node imports.
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../run.ts';

export class ImageStore {
  readonly #directory: string;

  /** @param directory which is made, and then is the store's own */
  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  /**
   * @param name as a Dockerfile or a pod names it
   * @param context folder with a Dockerfile
   * @param volumes `HOST:CONTAINER[:ro]`, there during the build alone
   */
  async build(name: string, context: string, volumes: readonly string[] = []): Promise<void> {
    const flags = ['--isolation=chroot', '--pull-never', '--format=docker', '--layers=false', `--tag=${name}`];
    await this.#buildah('build', ...flags, ...volumes.map((volume) => `--volume=${volume}`), context);
  }

  async has(name: string): Promise<boolean> {
    const names = await this.#buildah('images', '--format={{.Name}}:{{.Tag}}');
    return names.split('\n').includes(name);
  }

  /** Writes the archive of an image; resolves with its path. */
  async archive(name: string): Promise<string> {
    const file = join(this.#directory, `${name.replaceAll(/[^\w.-]/g, '-')}.tar`);
    rmSync(`${file}.new`, { force: true });
    await this.#buildah('push', '--quiet', name, `docker-archive:${file}.new:${name}`);
    renameSync(`${file}.new`, file);
    return file;
  }

  /** Of the store, not its archive. */
  async remove(name: string): Promise<void> {
    await this.#buildah('rmi', name);
  }

  /** In mounts of its own, which end with it: what buildah leaves mounted would keep the store from being removed. */
  #buildah(...args: readonly string[]): Promise<string> {
    const store = [
      `--root=${join(this.#directory, 'store')}`,
      `--runroot=${join(this.#directory, 'run')}`,
      '--storage-driver=overlay',
    ];
    return run('unshare', ['--mount', '--propagation=private', 'nice', 'buildah', ...store, ...args]);
  }
}
