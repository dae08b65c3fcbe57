// `kubectl sluice`: pools and fleets of a cluster, for who runs them. Found by kubectl as `kubectl-sluice` on PATH.
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { KubernetesClient } from '@sluice/operator/kubernetes/client';
import { kubeconfigAccess } from '@sluice/operator/kubernetes/cluster-access';
import { messageOf } from '@sluice/runtime/errors';
import { ExitCode } from '@sluice/runtime/exit-code';
import { MetricsRegistry } from '@sluice/runtime/metrics';
import { Cluster } from './cluster.ts';
import { type KubectlCommand, readCommandLine } from './command-line.ts';
import { isConfirmed } from './confirm.ts';
import { drain } from './drain.ts';
import { KubectlError } from './errors.ts';
import { release, rotateKeys, setPaused } from './orders.ts';
import { refusalText } from './refusal-text.ts';
import { report } from './report.ts';
import { resourceState } from './status.ts';
import { paintOfTerminal, statusText } from './status-text.ts';

// Whoever reads the output may leave, as `head` does.
for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined);

// Nobody calls process.exit: it would lose what a pipe has not taken yet.
process.exitCode = await run(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`kubectl sluice: ${refusalText(error) ?? messageOf(error)}\n`);
  return ExitCode.failed;
});

async function run(argv: readonly string[]): Promise<number> {
  const line = readCommandLine(argv);
  if (line.kind === 'command') {
    const access = kubeconfigAccess(kubeconfigOf(line.command), line.command.context);
    const client = new KubernetesClient(access, { metrics: new MetricsRegistry() });
    try {
      await carryOut(line.command, new Cluster(client, line.command.namespace ?? access.namespace));
      return ExitCode.ok;
    } finally {
      // Connections that are kept for later must not keep a finished command alive.
      client.close();
    }
  }
  if (line.kind === 'help') print(line.text);
  else process.stderr.write(`kubectl sluice: ${line.text}\n`);
  return line.kind === 'help' ? ExitCode.ok : ExitCode.usage;
}

/** @throws KubectlError `not-for-this` where there are several */
function kubeconfigOf({ kubeconfig }: KubectlCommand): string {
  const named = (process.env.KUBECONFIG ?? '').split(delimiter).filter((file) => file !== '');
  if (kubeconfig === undefined && named.length > 1)
    throw new KubectlError(
      'not-for-this',
      'KUBECONFIG names several files, which are not merged here: --kubeconfig FILE',
    );
  return kubeconfig ?? named[0] ?? join(homedir(), '.kube/config');
}

async function carryOut(command: KubectlCommand, cluster: Cluster): Promise<void> {
  const { argument: name = '', waits, timeoutMs } = command;
  const tell = (line: string) => print(`${line}\n`);
  const orders = { confirm: command.isConfirmed ? async () => true : confirm, tell };
  switch (command.name) {
    case 'status':
      return status(command, cluster);
    case 'drain':
      return drain(cluster, name, { waits, timeoutMs, tell });
    case 'rotate-keys':
      return rotateKeys(cluster, name, {
        ...{ ...orders, waits, timeoutMs },
        rotation: command.isNewAuthority ? 'new-authority' : 'certificate',
      });
    case 'pause':
      return setPaused(cluster, name, true, orders);
    case 'resume':
      return setPaused(cluster, name, false, orders);
    case 'release':
      return release(cluster, name, orders);
    case 'report':
      return print(`${JSON.stringify(await report(cluster, name, command.operatorNamespace), null, 2)}\n`);
  }
}

async function status({ argument, isEverywhere, isJson }: KubectlCommand, cluster: Cluster): Promise<void> {
  const owners = argument === undefined ? await cluster.owners(isEverywhere) : [await cluster.owner(argument)];
  const states = await Promise.all(owners.map((owner) => resourceState(cluster, owner)));
  if (isJson) return print(`${JSON.stringify(states, null, 2)}\n`);
  if (states.length === 0) {
    const where = isEverywhere ? 'in any namespace' : `in namespace ${cluster.namespace}`;
    return print(`No MiningPool or ProxyFleet ${where}.\n`);
  }
  return print(`${states.map((state) => statusText(state, Date.now(), paintOfTerminal)).join('\n\n')}\n`);
}

async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new KubectlError('not-confirmed', 'nobody is there to be asked; --yes goes on');
  return isConfirmed(question, process.stdin, process.stderr);
}

function print(text: string): void {
  process.stdout.write(text);
}
