// Whether the Secrets are there that proxies need for their upstreams. They are not watched, so each look is a question to the API server.
import type { ProxyFleet } from '../api/v1alpha1.ts';
import type { Writer } from '../apply/writer.ts';
import { readSecret } from '../keys/secret-access.ts';

/** What is missing, a line for each; without any of it no proxy starts. @throws KubernetesError */
export async function missingSecrets({ metadata, spec }: ProxyFleet, writer: Writer): Promise<readonly string[]> {
  const needed = [
    ...spec.upstreams.map(({ name, credentialsSecretRef }) => ({
      whose: `upstream ${name}`,
      reference: credentialsSecretRef,
    })),
    { whose: 'upstreamCASecretRef', reference: spec.upstreamCASecretRef },
  ];
  const faults = await Promise.all(
    needed.map(async ({ whose, reference }) => {
      if (reference === undefined) return undefined;
      const { name, key } = reference;
      const secret = await readSecret(writer, metadata.namespace, name);
      if (secret === undefined) return `${whose}: there is no Secret ${name}`;
      return secret.data?.[key] === undefined ? `${whose}: Secret ${name} has no key ${key}` : undefined;
    }),
  );
  return faults.filter((fault) => fault !== undefined);
}
