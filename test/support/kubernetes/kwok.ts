// Nodes that are none: kwok says of each pod on them that it runs, and nothing runs. For tests of what a cluster with many pods does.
import type { ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { kubernetesPrograms } from './binaries.ts';
import type { ControlPlane } from './control-plane.ts';
import { killGuarded, spawnGuarded } from './guarded-process.ts';
import { stages } from './kwok-stages.ts';

const READY_TIMEOUT_MS = 60_000;
const POLL_MS = 50;

export class Kwok {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves when all nodes are ready. @param nodes how many @param withAddresses whether their pods have an IP */
  static async start(plane: ControlPlane, nodes: number, { withAddresses = true } = {}): Promise<Kwok> {
    const program = (await kubernetesPrograms(['kwok']))('kwok');
    const [config, logFile] = ['kwok.yaml', 'kwok.log'].map((file) => join(plane.directory, file)) as [string, string];
    writeFileSync(
      config,
      stages(withAddresses)
        .map((stage) => JSON.stringify(stage))
        .join('\n---\n'),
    );
    const flags = [
      ...[`--kubeconfig=${plane.kubeconfig}`, `--config=${config}`, '--manage-all-nodes=true', '--cidr=10.244.0.0/16'],
      // Otherwise the node controller takes its nodes for dead after 50 seconds.
      '--node-lease-duration-seconds=40',
    ];
    const child = spawnGuarded(program, flags, logFile);
    const kwok = new Kwok(child);
    const client = plane.client();
    for (let number = 0; number < nodes; number += 1)
      await client.post('/api/v1/nodes', { metadata: { name: `node-${number}` } });
    const deadline = performance.now() + READY_TIMEOUT_MS;
    const isReady = async () => {
      const items: readonly { status: { conditions?: readonly { type: string; status: string }[] } }[] = (
        await client.get('/api/v1/nodes')
      ).body.items;
      const ready = items.filter(({ status }) =>
        status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True'),
      );
      return ready.length === nodes;
    };
    while (!(await isReady())) {
      if (child.exitCode !== null || performance.now() > deadline) {
        await kwok.stop();
        throw new Error(`the nodes are not ready: ${readFileSync(logFile, 'utf8').slice(-2_000)}`);
      }
      await sleep(POLL_MS);
    }
    return kwok;
  }

  async stop(): Promise<void> {
    await killGuarded(this.#child);
  }
}
