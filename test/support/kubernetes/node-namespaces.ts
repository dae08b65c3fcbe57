// The namespaces of a node: network, mounts, processes and names of its own, of which nothing is left when they end, whatever ended them.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kubernetesPrograms } from './binaries.ts';

export class NodeNamespaces {
  /** Everything of the node is in it, and it is gone with the node. */
  readonly directory: string;
  readonly #keeper: ChildProcess;
  readonly #pid: string;

  private constructor(directory: string, keeper: ChildProcess, pid: string) {
    this.directory = directory;
    this.#keeper = keeper;
    this.#pid = pid;
  }

  static async start(): Promise<NodeNamespaces> {
    // The kubelet's sockets are below it: their paths may have 107 characters.
    const directory = mkdtempSync(join(tmpdir(), 'sluice-node-'));
    const pathOf = await kubernetesPrograms(['pause']);
    const script = join(import.meta.dirname, 'node/keeper.sh');
    const keeper = spawn(script, [directory, pathOf('pause')], { stdio: ['pipe', 'pipe', 'inherit'] });
    const pid = await new Promise<string>((resolve, reject) => {
      keeper.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
      keeper.once('error', reject);
      keeper.once('exit', (code) => reject(new Error(`the namespaces of a node ended with ${code}`)));
    });
    return new NodeNamespaces(directory, keeper, pid);
  }

  /** The beginning of a command that is to run inside. */
  get enter(): readonly [program: string, ...flags: string[]] {
    return ['nsenter', `--target=${this.#pid}`, '--net', '--mount', '--pid', '--uts', '--ipc', `--wd=${process.cwd()}`];
  }

  /** Ends every process inside; resolves when the folder and the control groups are gone. */
  async stop(): Promise<void> {
    if (this.#keeper.exitCode !== null || this.#keeper.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#keeper.once('exit', resolve));
    this.#keeper.stdin?.end();
    await ended;
  }
}
