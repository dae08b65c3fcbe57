// What the operator makes of a MiningPool and does not watch: Secrets, of which it reads those alone that it has made, and the PodMonitor, whose kind
// a cluster may not have. They are looked at when the resource has changed, while its pods are not ready, and else now and then.
import type { Clock } from '@sluice/runtime/clock';
import type { RandomBytes } from '@sluice/runtime/random';
import type { MiningPool } from '../api/v1alpha1.ts';
import { podMonitors, secrets } from '../apply/child-kinds.ts';
import type { Children } from '../apply/children.ts';
import type { NatsUsers } from '../bus/nats-users.ts';
import type { BitcoindCredentials } from '../desired/bitcoind-config.ts';
import { managedNodes, nodeCredentials } from '../desired/bitcoind-nodes.ts';
import { podMonitor } from '../desired/pod-monitor.ts';
import type { SecretUids } from './pool-manifests.ts';

const LOOK_MS = 10 * 60_000;
/** While a Secret that somebody has deleted may be what pods wait for. */
const NOT_READY_LOOK_MS = 30_000;
const PASSWORD_BYTES = 32;
const SALT_BYTES = 16;

export interface Unwatched {
  readonly secrets: SecretUids;
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

export class UnwatchedChildren {
  readonly #modules: UnwatchedChildrenModules;
  /** The last one, by uid of the resource. */
  readonly #looks = new Map<string, Look>();

  constructor(modules: UnwatchedChildrenModules) {
    this.#modules = modules;
  }

  /** @param isBusRunning whether there are NATS servers already @throws as `NatsUsers` and `Children` */
  async ensure(pool: MiningPool, children: Children, isBusRunning: boolean): Promise<Unwatched> {
    const { uid, generation } = pool.metadata;
    const now = this.#modules.clock.monotonic();
    const isReady = pool.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
    const last = this.#looks.get(uid);
    const pace = last?.requeueAfterMs ?? (isReady ? LOOK_MS : NOT_READY_LOOK_MS);
    if (last !== undefined && last.generation === generation && now - last.at < pace)
      return { ...last, requeueAfterMs: last.at + pace - now };
    const look = { ...(await this.#look(pool, children, isBusRunning)), generation, at: now };
    this.#looks.set(uid, look);
    return isReady ? look : { requeueAfterMs: NOT_READY_LOOK_MS, ...look };
  }

  /** The resource is gone. */
  forget(uid: string): void {
    this.#looks.delete(uid);
  }

  async #look(pool: MiningPool, children: Children, isBusRunning: boolean): Promise<Unwatched> {
    const { managed } = pool.spec.bus;
    const users =
      managed === undefined ? undefined : await this.#modules.natsUsers.ensure(pool, managed, children, isBusRunning);
    const nodes = new Map<string, string>();
    for (const node of managedNodes(pool)) {
      const made = nodeCredentials(pool, node, this.#credentials());
      const { uid = '' } = (await children.createOnce(secrets, pool, made)).metadata;
      nodes.set(node.name, uid);
    }
    if (await children.isServed(podMonitors)) await children.apply(podMonitors, pool, podMonitor(pool));
    const { systemSecret = '', requeueAfterMs } = users ?? {};
    return {
      secrets: { natsSystem: systemSecret, nodes },
      ...(requeueAfterMs === undefined ? {} : { requeueAfterMs }),
    };
  }

  #credentials(): BitcoindCredentials {
    const { random } = this.#modules;
    const hex = (length: number) => Buffer.from(random(length)).toString('hex');
    return { username: 'sluice', password: hex(PASSWORD_BYTES), salt: hex(SALT_BYTES) };
  }
}
