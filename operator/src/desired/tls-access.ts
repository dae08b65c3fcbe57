// How miners of Stratum V1 reach proxies by TLS: on which ports, and by which certificate.
import type { Fleet } from '../api/v1alpha1.ts';
import { listenAddress } from './fleet-manifests.ts';
import { secretVolume } from './secret-volume.ts';

const TLS_FOLDER = '/etc/sluice/tls';

/** The entries of a Secret of type kubernetes.io/tls. */
export const TLS_ENTRIES = ['tls.crt', 'tls.key'] as const;

export interface TlsAccess {
  /** By their names in the configuration file. */
  readonly settings: object;
  readonly volumes: readonly object[];
  readonly volumeMounts: readonly object[];
}

/** Of nothing where no listener has tls. */
export function tlsAccess({ listeners }: Fleet): TlsAccess {
  const byTls = listeners.filter(({ tls }) => tls !== undefined);
  // All of them have the same one.
  const secret = byTls[0]?.tls?.secretRef.name;
  if (secret === undefined) return { settings: {}, volumes: [], volumeMounts: [] };
  const [certificate, key] = TLS_ENTRIES.map((entry) => `${TLS_FOLDER}/${entry}`);
  return {
    settings: { listenTls: byTls.map(listenAddress), tlsCertificateFile: certificate, tlsKeyFile: key },
    volumes: [secretVolume('tls', secret, TLS_ENTRIES)],
    volumeMounts: [{ name: 'tls', mountPath: TLS_FOLDER, readOnly: true }],
  };
}
