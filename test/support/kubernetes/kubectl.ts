import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from '../run.ts';
import { kubernetesPrograms } from './binaries.ts';

/** The command line of whoever a kubeconfig is of. */
export class Kubectl {
  readonly #kubeconfig: string;

  constructor(kubeconfig: string) {
    this.#kubeconfig = kubeconfig;
  }

  /** Resolves with what it prints. */
  async run(...args: readonly string[]): Promise<string> {
    const pathOf = await kubernetesPrograms(['kubectl']);
    const discovery = join(dirname(this.#kubeconfig), 'discovery');
    return run(pathOf('kubectl'), [`--kubeconfig=${this.#kubeconfig}`, `--cache-dir=${discovery}`, ...args]);
  }

  /** Resolves with an object, or with a list of them in `items`. */
  // biome-ignore lint/suspicious/noExplicitAny: each object of the API has a shape of its own; tests know which.
  async get(...args: readonly string[]): Promise<any> {
    return JSON.parse(await this.run('get', '--output=json', ...args));
  }

  /** Server-side apply. */
  async apply(...objects: readonly object[]): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-apply-'));
    const file = join(folder, 'objects.json');
    try {
      writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
      await this.run('apply', '--server-side', `--filename=${file}`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
}
