// What the operator makes of a MiningPool before its pods, and does not watch: Secrets, of which it reads those alone that it has made. They are looked
// at when the resource has changed, while its pods are not ready, and else now and then.
import type { Clock } from '@sluice/runtime/clock';
import type { RandomBytes } from '@sluice/runtime/random';
import type { MiningPool } from '../api/v1alpha1.ts';
import { secrets } from '../apply/child-kinds.ts';
import type { Children } from '../apply/children.ts';
import type { ChildError } from '../apply/errors.ts';
import type { NatsUsers } from '../bus/nats-users.ts';
import { collect } from '../control/child-faults.ts';
import type { BitcoindCredentials } from '../desired/bitcoind-config.ts';
import { managedNodes, nodeCredentials } from '../desired/bitcoind-nodes.ts';
import { natsName } from '../desired/nats-names.ts';
import { nodeName } from '../desired/node-access.ts';
import { secretReadAtStart } from '../desired/secret-volume.ts';
import type { KubernetesObject } from '../kubernetes/resource.ts';
import type { SecretUids } from './pool-manifests.ts';

const LOOK_MS = 10 * 60_000;
/** While a Secret that somebody has deleted may be what pods wait for, or one is of no use. */
const NOT_READY_LOOK_MS = 30_000;
const PASSWORD_BYTES = 32;
const SALT_BYTES = 16;

export interface Unwatched {
  readonly secrets: SecretUids;
  /** Secrets that are of no use; what does not need them goes on. */
  readonly faults: readonly ChildError[];
  readonly requeueAfterMs?: number;
}

interface Look extends Unwatched {
  readonly generation: number;
  readonly at: number;
}

export interface UnwatchedChildrenModules {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly natsUsers: NatsUsers;
}

/** A StatefulSet as it is, by its name. */
export type LiveStatefulSet = (name: string) => KubernetesObject | undefined;

export class UnwatchedChildren {
  readonly #modules: UnwatchedChildrenModules;
  /** The last one, by uid of the resource. */
  readonly #looks = new Map<string, Look>();

  constructor(modules: UnwatchedChildrenModules) {
    this.#modules = modules;
  }

  /** @throws as `NatsUsers` and `Children`, but no ChildError of a Secret */
  async ensure(pool: MiningPool, children: Children, live: LiveStatefulSet): Promise<Unwatched> {
    const { uid, generation } = pool.metadata;
    const now = this.#modules.clock.monotonic();
    const isReady = pool.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
    const last = this.#looks.get(uid);
    const pace = last?.requeueAfterMs ?? (isReady ? LOOK_MS : NOT_READY_LOOK_MS);
    if (last !== undefined && last.generation === generation && now - last.at < pace)
      return { ...last, requeueAfterMs: last.at + pace - now };
    const look = { ...(await this.#look(pool, children, live)), generation, at: now };
    this.#looks.set(uid, look);
    return isReady ? look : { requeueAfterMs: NOT_READY_LOOK_MS, ...look };
  }

  /** The resource is gone. */
  forget(uid: string): void {
    this.#looks.delete(uid);
    this.#modules.natsUsers.forget(uid);
  }

  async #look(pool: MiningPool, children: Children, live: LiveStatefulSet): Promise<Unwatched> {
    const { managed } = pool.spec.bus;
    const faults: ChildError[] = [];
    const unmade: string[] = [];
    // Pods that there are stay with the Secret that they were started with, until theirs is of use again.
    const uidFor = (workload: string, uid: string | undefined) => {
      const known = uid ?? secretReadAtStart(live(workload));
      if (known === undefined) unmade.push(workload);
      return known ?? '';
    };
    const servers = natsName(pool.metadata.name);
    const isRunning = live(servers) !== undefined;
    const users =
      managed && (await this.#modules.natsUsers.ensure(pool, managed, children, isRunning).catch(collect(faults)));
    faults.push(...(users?.faults ?? []));
    const natsSystem = managed === undefined ? '' : uidFor(servers, users?.systemSecret);
    const nodes = new Map<string, string>();
    for (const node of managedNodes(pool)) {
      const made = nodeCredentials(pool, node, this.#credentials());
      const found = await children.createOnce(secrets, pool, made).catch(collect(faults));
      nodes.set(node.name, uidFor(nodeName(pool, node), found?.metadata.uid));
    }
    const waits = [users?.requeueAfterMs, faults.length === 0 ? undefined : NOT_READY_LOOK_MS];
    const known = waits.filter((ms) => ms !== undefined);
    return {
      ...{ secrets: { natsSystem, nodes, unmade }, faults },
      ...(known.length === 0 ? {} : { requeueAfterMs: Math.min(...known) }),
    };
  }

  #credentials(): BitcoindCredentials {
    const { random } = this.#modules;
    const hex = (length: number) => Buffer.from(random(length)).toString('hex');
    return { username: 'sluice', password: hex(PASSWORD_BYTES), salt: hex(SALT_BYTES) };
  }
}
