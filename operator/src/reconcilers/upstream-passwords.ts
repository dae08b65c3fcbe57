// Whether the Secrets are there that passwords of upstreams stand in. They are not watched, so each look is a question to the API server.
import type { ProxyFleet } from '../api/v1alpha1.ts';
import type { Writer } from '../apply/writer.ts';
import { readSecret } from '../keys/secret-access.ts';

/** What is missing, a line for each upstream; without any of it no proxy starts. @throws KubernetesError */
export async function missingPasswords({ metadata, spec }: ProxyFleet, writer: Writer): Promise<readonly string[]> {
  const { namespace } = metadata;
  const faults = await Promise.all(
    spec.upstreams.map(async ({ name: upstream, credentialsSecretRef: reference }) => {
      if (reference === undefined) return undefined;
      const { name, key } = reference;
      const secret = await readSecret(writer, namespace, name);
      if (secret === undefined) return `upstream ${upstream}: there is no Secret ${name}`;
      return secret.data?.[key] === undefined ? `upstream ${upstream}: Secret ${name} has no key ${key}` : undefined;
    }),
  );
  return faults.filter((fault) => fault !== undefined);
}
