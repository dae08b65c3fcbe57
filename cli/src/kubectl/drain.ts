// Another pod in the place of one that holds miners. The operator does it; here it is asked to, and looked at.
import { setTimeout as sleep } from 'node:timers/promises';
import { DRAIN } from '@sluice/operator/scaling/pod-stage';
import { type Cluster, componentOf, type Pod } from './cluster.ts';
import { KubectlError } from './errors.ts';
import { connectionsOf, isOfFleet, isPaused, stateOf } from './status.ts';

const LOOK_MS = 1_000;

/** What a state means for whoever waits. */
const meanings: Readonly<Record<string, string>> = {
  'asked to go': 'waits for another one in its place',
  closed: 'is given no new connections',
  draining: 'moves its miners away',
  removable: 'is empty, and waits to be removed',
  ending: 'ends',
};

export interface DrainOptions {
  readonly waits: boolean;
  readonly timeoutMs: number;
  /** Told each line. */
  readonly tell: (line: string) => void;
}

/** Resolves when the pod is gone. @throws KubectlError `resource-unknown`, `not-for-this`, `not-in-time`; KubernetesError */
export async function drain(cluster: Cluster, name: string, { waits, timeoutMs, tell }: DrainOptions): Promise<void> {
  const pod = await cluster.pod(name);
  if (pod === undefined) throw new KubectlError('resource-unknown', `no pod ${name} in namespace ${cluster.namespace}`);
  await checkDrainable(cluster, pod);
  await cluster.annotate(pod, { [DRAIN]: 'true' });
  if (!waits) {
    tell(`${name} is asked to go`);
    return;
  }
  const deadline = performance.now() + timeoutMs;
  let told = '';
  for (;;) {
    const now = await cluster.pod(name);
    if (now === undefined || now.metadata.uid !== pod.metadata.uid) break;
    const line = await progressOf(cluster, now);
    if (line !== told) tell(line);
    told = line;
    if (performance.now() > deadline)
      throw new KubectlError('not-in-time', `${name} is still there; the operator goes on with it`);
    await sleep(LOOK_MS);
  }
  tell(`${name} is gone`);
}

/** @throws KubectlError `not-for-this` */
async function checkDrainable(cluster: Cluster, pod: Pod): Promise<void> {
  const { name, labels = {} } = pod.metadata;
  if (!isOfFleet(pod))
    throw new KubectlError(
      'not-for-this',
      `${name} is no gateway and no proxy, and holds no miners: kubectl delete pod ${name}`,
    );
  const kind = componentOf(pod) === 'proxy' ? 'proxyfleet' : 'miningpool';
  const owner = await cluster.owner(`${kind}/${labels['app.kubernetes.io/instance']}`);
  if (isPaused(owner))
    throw new KubectlError(
      'not-for-this',
      `${owner.metadata.name} is paused: kubectl sluice resume ${owner.metadata.name}`,
    );
}

async function progressOf(cluster: Cluster, pod: Pod): Promise<string> {
  const state = stateOf(pod);
  const connections = await connectionsOf(cluster, pod);
  const left = connections === undefined ? '' : `, ${connections} connections`;
  return `${pod.metadata.name} ${meanings[state] ?? `is ${state}`}${left}`;
}
