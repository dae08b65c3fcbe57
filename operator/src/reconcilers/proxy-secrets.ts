// Whether the Secrets of others are there that proxies need: passwords, an authority, a certificate. They are not watched, but looked at now and then.
import type { Clock } from '@sluice/runtime/clock';
import type { ProxyFleet } from '../api/v1alpha1.ts';
import type { Writer } from '../apply/writer.ts';
import { TLS_ENTRIES } from '../desired/tls-access.ts';
import { readSecret } from '../keys/secret-access.ts';
import { FaultLooks, type LookPace } from './fault-looks.ts';

const LOOKS: LookPace = { wellMs: 2 * 60_000, faultMs: 15_000 };

export interface ProxySecretsModules {
  readonly writer: Writer;
  readonly clock: Clock;
}

export class ProxySecrets {
  readonly #writer: Writer;
  readonly #looks: FaultLooks<string>;

  constructor({ writer, clock }: ProxySecretsModules) {
    this.#writer = writer;
    this.#looks = new FaultLooks(clock, LOOKS);
  }

  /** What is missing, a line for each; without any of it no proxy starts. @throws KubernetesError */
  async missing(fleet: ProxyFleet): Promise<readonly string[]> {
    return this.#looks.of(fleet, () => this.#look(fleet));
  }

  /** The fleet is gone. */
  forget(uid: string): void {
    this.#looks.forget(uid);
  }

  async #look({ metadata, spec }: ProxyFleet): Promise<readonly string[]> {
    const faults = await Promise.all(
      neededBy(spec).map(async ({ whose, name, keys }) => {
        const secret = await readSecret(this.#writer, metadata.namespace, name);
        if (secret === undefined) return `${whose}: there is no Secret ${name}`;
        const key = keys.find((each) => secret.data?.[each] === undefined);
        return key === undefined ? undefined : `${whose}: Secret ${name} has no key ${key}`;
      }),
    );
    return faults.filter((fault) => fault !== undefined);
  }
}

interface NeededSecret {
  readonly whose: string;
  readonly name: string;
  readonly keys: readonly string[];
}

function neededBy({ upstreams, upstreamCASecretRef: authority, proxies }: ProxyFleet['spec']): readonly NeededSecret[] {
  const byTls = proxies.listeners.find(({ tls }) => tls !== undefined);
  return [
    ...upstreams.flatMap(({ name: upstream, credentialsSecretRef: password }) =>
      password === undefined ? [] : [{ whose: `upstream ${upstream}`, name: password.name, keys: [password.key] }],
    ),
    ...(authority === undefined ? [] : [{ whose: 'upstreamCASecretRef', name: authority.name, keys: [authority.key] }]),
    // All of them have the same one.
    ...(byTls?.tls === undefined
      ? []
      : [{ whose: `listener ${byTls.name}`, name: byTls.tls.secretRef.name, keys: TLS_ENTRIES }]),
  ];
}
