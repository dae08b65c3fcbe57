// Which pods were ready at once, by every change that the API server tells of.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { waitFor } from '../wait-for.ts';
import { kubernetesPrograms } from './binaries.ts';

const WORKLOAD = String.raw`.metadata.labels.mining\.sluice\.dev/workload`;
const READY = '.status.conditions[?(@.type=="Ready")].status';
const LINE = [
  '{.type}',
  ...[WORKLOAD, '.metadata.uid', '.metadata.deletionTimestamp', READY].map((field) => `{.object${field}}`),
];

export class ReadyPods {
  /** Of each workload, the fewest of its pods that were ready and not about to go. */
  readonly fewest = new Map<string, number>();
  readonly #child: ChildProcess;
  /** By workload, their uids. */
  readonly #ready = new Map<string, Set<string>>();
  #isCounting = false;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves when as many pods are ready as are `expected`, and counts from then on. */
  static async follow(kubeconfig: string, inNamespace: string, expected: number): Promise<ReadyPods> {
    const pathOf = await kubernetesPrograms(['kubectl']);
    const output = `--output=jsonpath=${LINE.join('|')}{"\\n"}`;
    const child = spawn(
      pathOf('kubectl'),
      [`--kubeconfig=${kubeconfig}`, 'get', inNamespace, 'pods', '--watch', '--output-watch-events', output],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const pods = new ReadyPods(child);
    createInterface(child.stdout).on('line', (line) => pods.#take(line));
    await waitFor(() => pods.#sizes().reduce((sum, [, size]) => sum + size, 0) === expected, 60_000);
    for (const [workload, size] of pods.#sizes()) pods.fewest.set(workload, size);
    pods.#isCounting = true;
    return pods;
  }

  stop(): void {
    this.#child.kill();
  }

  #sizes(): readonly (readonly [workload: string, ready: number])[] {
    return [...this.#ready].map(([workload, { size }]) => [workload, size] as const);
  }

  #take(line: string): void {
    const [type, workload = '', uid = '', deletionTimestamp, ready] = line.split('|');
    const pods = this.#ready.get(workload) ?? new Set();
    this.#ready.set(workload, pods);
    if (type !== 'DELETED' && deletionTimestamp === '' && ready === 'True') pods.add(uid);
    else pods.delete(uid);
    if (this.#isCounting) this.fewest.set(workload, Math.min(this.fewest.get(workload) ?? 0, pods.size));
  }
}
