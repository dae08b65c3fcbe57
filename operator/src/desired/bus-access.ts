// How the pods of a service reach the bus: settings for its configuration file, and what is mounted for it.
import type { MiningPool } from '../api/v1alpha1.ts';
import { natsHosts, natsPorts, natsUserSecret } from './nats-names.ts';
import type { PodInputs } from './pod-template.ts';
import { secretVolume } from './secret-volume.ts';

const PASSWORD_FOLDER = '/etc/sluice/nats';
const AUTHORITY_FOLDER = '/etc/sluice/nats-ca';

export interface BusAccess extends PodInputs {
  /** By their names in the configuration file. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** @param component the service, whose user at managed servers has its name */
export function busAccess({ metadata, spec: { bus } }: MiningPool, component: string): BusAccess {
  const { managed, external } = bus;
  if (managed !== undefined) {
    const monitors = natsHosts(metadata.name, managed.replicas).map((host) => `http://${host}:${natsPorts.monitor}`);
    const servers = [`nats://${metadata.name}-nats:${natsPorts.client}`];
    const settings = { nats: servers, natsMonitors: monitors, natsReplicas: managed.replicas };
    return withCredentials(
      { settings, env: [], volumes: [], volumeMounts: [] },
      natsUserSecret(metadata.name, component),
    );
  }
  const { servers = [], monitors = [], streamReplicas, credentialsSecretRef, caSecretRef } = external ?? {};
  const settings = { nats: servers, natsMonitors: monitors, natsReplicas: streamReplicas };
  const plain = { settings, env: [], volumes: [], volumeMounts: [] };
  const access = credentialsSecretRef === undefined ? plain : withCredentials(plain, credentialsSecretRef.name);
  return caSecretRef === undefined ? access : withAuthority(access, caSecretRef.name, caSecretRef.key);
}

/** @param secretName of a Secret of type kubernetes.io/basic-auth */
function withCredentials(access: BusAccess, secretName: string): BusAccess {
  const secretKeyRef = { name: secretName, key: 'username' };
  return {
    settings: { ...access.settings, natsPasswordFile: `${PASSWORD_FOLDER}/password` },
    env: [...access.env, { name: 'SLUICE_NATS_USER', valueFrom: { secretKeyRef } }],
    volumes: [...access.volumes, secretVolume('nats', secretName, ['password'])],
    volumeMounts: [...access.volumeMounts, { name: 'nats', mountPath: PASSWORD_FOLDER, readOnly: true }],
  };
}

function withAuthority(access: BusAccess, secretName: string, key: string): BusAccess {
  return {
    ...access,
    settings: { ...access.settings, natsCaFile: `${AUTHORITY_FOLDER}/${key}` },
    volumes: [...access.volumes, secretVolume('nats-ca', secretName, [key])],
    volumeMounts: [...access.volumeMounts, { name: 'nats-ca', mountPath: AUTHORITY_FOLDER, readOnly: true }],
  };
}
