// All that one needs to help somebody with a resource, without its secrets.
import { messageOf } from '@sluice/runtime/errors';
import { version } from '@sluice/runtime/version';
import type { Cluster, ClusterEvent, Owner, Pod } from './cluster.ts';
import { redacted } from './redact.ts';
import { resourceState } from './status.ts';

const OPERATOR = 'app.kubernetes.io/name=sluice-operator';
/** Of each operator. */
const LOG_LINES = 5_000;
/** Of them, those about the resource. */
const KEPT_LOG_LINES = 300;

/** Parts that cannot be read say why. @throws KubectlError where there is no such resource */
export async function report(cluster: Cluster, name: string, operatorNamespace: string): Promise<unknown> {
  const owner = await cluster.owner(name);
  const { kind, metadata, spec, status } = owner;
  return redacted({
    at: new Date().toISOString(),
    plugin: version(),
    resource: { kind, metadata, spec, status },
    state: await orWhyNot(resourceState(cluster, owner)),
    containers: await orWhyNot(cluster.pods(owner).then((pods) => pods.map(containersOf))),
    events: await orWhyNot(cluster.events(owner).then((events) => events.map(eventOf))),
    operators: await orWhyNot(operators(cluster, owner, operatorNamespace)),
  });
}

async function operators(cluster: Cluster, { metadata }: Owner, namespace: string): Promise<unknown> {
  const pods = await cluster.podsWith(OPERATOR, namespace);
  return Promise.all(
    pods.map(async (pod) => ({
      ...containersOf(pod),
      log: await orWhyNot(logAbout(cluster, metadata.name, pod)),
    })),
  );
}

async function logAbout(cluster: Cluster, about: string, { metadata }: Pod): Promise<readonly string[]> {
  const lines = await cluster.log(metadata.name, metadata.namespace ?? '', LOG_LINES);
  return lines.filter((line) => line.includes(about)).slice(-KEPT_LOG_LINES);
}

const containersOf = ({ metadata, status }: Pod) => ({
  pod: metadata.name,
  ...{ phase: status?.phase, reason: status?.reason, message: status?.message },
  containers: status?.containerStatuses?.map(({ name, image, restartCount, state, lastState }) => ({
    ...{ name, image, restartCount, state, lastState },
  })),
});

const eventOf = ({ involvedObject, type, reason, message, note, count, lastTimestamp, eventTime }: ClusterEvent) => ({
  at: lastTimestamp ?? eventTime,
  about: `${involvedObject.kind}/${involvedObject.name}`,
  ...{ type, reason, message: message ?? note, count },
});

/** A report with a part missing is better than none. */
const orWhyNot = (part: Promise<unknown>): Promise<unknown> =>
  part.catch((error: unknown) => ({ error: messageOf(error) }));
