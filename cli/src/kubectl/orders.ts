// What is written into a resource for the operator to find.
import { setTimeout as sleep } from 'node:timers/promises';
import { FINALIZER } from '@sluice/operator/control/finalizer';
import { PAUSE } from '@sluice/operator/control/lifecycle';
import { ROTATE_KEYS, type Rotation } from '@sluice/operator/keys/key-owner';
import type { Cluster, Owner } from './cluster.ts';
import { KubectlError } from './errors.ts';
import { isPaused } from './status.ts';

const LOOK_MS = 1_000;

/** Asks a person; resolves with whether they said yes. @throws KubectlError `not-confirmed` where there is nobody to ask */
export type Confirm = (question: string) => Promise<boolean>;

export interface OrderOptions {
  readonly confirm: Confirm;
  /** Told each line. */
  readonly tell: (line: string) => void;
}

/** @throws KubectlError, KubernetesError */
export async function setPaused(
  cluster: Cluster,
  name: string,
  paused: boolean,
  { tell }: OrderOptions,
): Promise<void> {
  const owner = await cluster.owner(name);
  await cluster.annotate(owner, { [PAUSE]: paused ? 'true' : null });
  tell(`${called(owner)} ${paused ? 'is paused: the operator leaves it as it is' : 'goes on'}`);
}

/** Resolves when the operator has done it. @throws KubectlError, KubernetesError */
export async function rotateKeys(
  cluster: Cluster,
  name: string,
  {
    confirm,
    tell,
    rotation,
    waits,
    timeoutMs,
  }: OrderOptions & {
    readonly rotation: Rotation;
    readonly waits: boolean;
    readonly timeoutMs: number;
  },
): Promise<void> {
  const owner = await cluster.owner(name);
  const before = owner.status?.authorityPublicKey;
  const { listeners } = owner.kind === 'MiningPool' ? owner.spec.gateways : owner.spec.proxies;
  // The operator leaves the order of such a fleet where it is.
  if (owner.spec.noise === undefined || !listeners.some(({ protocol }) => protocol === 'SV2'))
    throw new KubectlError('not-for-this', `${called(owner)} has no listener of Stratum V2, and so no keys`);
  if (isPaused(owner))
    throw new KubectlError('not-for-this', `${called(owner)} is paused: kubectl sluice resume ${name}`);
  if (rotation === 'new-authority') {
    tell(
      `Another authority key for ${called(owner)}: every miner has to be given a new URL, and is turned away until then.`,
    );
    if (!(await confirm('Go on?'))) throw new KubectlError('not-confirmed', 'nothing was changed');
  }
  await cluster.annotate(owner, { [ROTATE_KEYS]: rotation });
  if (!waits) {
    tell(`${called(owner)} is asked for it`);
    return;
  }
  const after = await until(cluster, owner, timeoutMs, ({ metadata, status }) => {
    // Another authority key may be what corrects it.
    const fault = rotation === 'certificate' && status?.conditions?.find(isKeyFault);
    if (fault) throw new KubectlError('not-for-this', `${called(owner)} waits for its keys: ${fault.message}`);
    const isDone = metadata.annotations?.[ROTATE_KEYS] === undefined;
    return isDone && (rotation === 'certificate' || status?.authorityPublicKey !== before);
  });
  tell(
    rotation === 'certificate'
      ? `${called(owner)} has another certificate`
      : `${called(owner)} has another authority key`,
  );
  if (rotation === 'new-authority') for (const { uri } of after.status?.endpoints ?? []) tell(uri);
}

/** Takes the operator's finalizer off a resource that waits for it. @throws KubectlError, KubernetesError */
export async function release(cluster: Cluster, name: string, { confirm, tell }: OrderOptions): Promise<void> {
  const owner = await cluster.owner(name);
  const { deletionTimestamp, finalizers = [] } = owner.metadata;
  if (deletionTimestamp === undefined)
    throw new KubectlError('not-for-this', `${called(owner)} is not being deleted: kubectl delete it first`);
  if (!finalizers.includes(FINALIZER))
    throw new KubectlError(
      'not-for-this',
      `${called(owner)} does not wait for the operator, but for ${finalizers.join(', ')}`,
    );
  tell(
    `${called(owner)} goes without what the operator does at the end: authority keys (keyDeletionPolicy) and volumes (streamDeletionPolicy) that were to go stay.`,
  );
  if (!(await confirm('Let it go?'))) throw new KubectlError('not-confirmed', 'nothing was changed');
  await cluster.setFinalizers(
    owner,
    finalizers.filter((each) => each !== FINALIZER),
  );
  tell(`${called(owner)} is let go`);
}

async function until(
  cluster: Cluster,
  owner: Owner,
  timeoutMs: number,
  holds: (owner: Owner) => boolean,
): Promise<Owner> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const now = await cluster.owner(`${owner.kind}/${owner.metadata.name}`);
    if (holds(now)) return now;
    if (performance.now() > deadline)
      throw new KubectlError('not-in-time', `${called(owner)} has not done it; does the operator run?`);
    await sleep(LOOK_MS);
  }
}

const isKeyFault = ({ type, status }: { readonly type: string; readonly status: string }) =>
  type === 'KeysValid' && status === 'False';

const called = ({ kind, metadata }: Owner) => `${kind} ${metadata.namespace}/${metadata.name}`;
