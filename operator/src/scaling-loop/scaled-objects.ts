// The objects of a fleet as the caches have them, and what is written to them: each write has the version that it was decided from as its precondition.
import { BY_CONTROLLER, childKind } from '../apply/child-kinds.ts';
import type { Writer } from '../apply/writer.ts';
import type { CustomResource } from '../control/reconciler.ts';
import { WORKLOAD, type Workload, workloadName } from '../desired/workload.ts';
import type { ObjectCache } from '../kubernetes/object-cache.ts';
import { type KubernetesObject, objectPath, type Resource } from '../kubernetes/resource.ts';
import type { ScalingWrite } from '../scaling/decide.ts';
import { hasEnded, type ReplicaSet } from './observed-objects.ts';
import type { OwnWrites } from './own-writes.ts';
import { BY_WORKLOAD, type Pod, podKind, workloadKey } from './pods.ts';

/** Whose field the number of a ReplicaSet's pods is. */
const FIELD_MANAGER = 'sluice-operator-scaling';

export interface ScaledObjectsModules {
  /** Kind of the resources that the fleets stand in. */
  readonly resource: Resource;
  readonly writer: Writer;
  readonly owners: ObjectCache<CustomResource>;
  readonly replicaSets: ObjectCache<KubernetesObject>;
  readonly pods: ObjectCache<Pod>;
}

export class ScaledObjects {
  readonly #modules: ScaledObjectsModules;

  constructor(modules: ScaledObjectsModules) {
    this.#modules = modules;
  }

  /** The resource; undefined when it is gone. */
  owner(key: string): CustomResource | undefined {
    return this.#modules.owners.get(key);
  }

  replicaSets(owned: Workload): readonly ReplicaSet[] {
    const all: readonly ReplicaSet[] = this.#modules.replicaSets.find(BY_CONTROLLER, owned.owner.metadata.uid);
    return all.filter(({ metadata }) => metadata.labels?.[WORKLOAD] === workloadName(owned));
  }

  pods(owned: Workload): readonly Pod[] {
    return this.#modules.pods.find(BY_WORKLOAD, workloadKey(owned)).filter((pod) => !hasEnded(pod));
  }

  /** @param written takes note @throws KubernetesError `api-conflict` where the object is another version by now; ChildError `not-leader` */
  async write(owner: CustomResource, write: ScalingWrite, written: OwnWrites): Promise<void> {
    const { resource, owners, pods, replicaSets } = this.#modules;
    const { namespace, uid, resourceVersion } = owner.metadata;
    switch (write.kind) {
      case 'state': {
        const metadata = { uid, resourceVersion, annotations: write.annotations };
        written.note(owners, await this.#patch(resource, owner.metadata, { metadata }));
        return;
      }
      case 'pod': {
        const { pod, patch } = write;
        const metadata = { uid: pod.uid, resourceVersion: pod.resourceVersion, ...patch };
        written.note(pods, await this.#patch(podKind, { namespace, name: pod.name }, { metadata }));
        return;
      }
      case 'replicas': {
        const { replicaSet: set, replicas } = write;
        const metadata = { uid: set.uid, resourceVersion: set.resourceVersion };
        const body = { metadata, spec: { replicas } };
        const kind = childKind('ReplicaSet');
        written.note(replicaSets, await this.#patch(kind, { namespace, name: set.name }, body));
      }
    }
  }

  #patch(resource: Resource, at: { readonly namespace: string; readonly name: string }, body: object) {
    return this.#modules.writer.write<KubernetesObject>({
      method: 'PATCH',
      path: objectPath(resource, at),
      query: { fieldManager: FIELD_MANAGER },
      contentType: 'application/merge-patch+json',
      body,
    });
  }
}
