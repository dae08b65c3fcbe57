// Whether the Secrets are there that proxies need for their upstreams. They are not watched, but looked at now and then.
import type { Clock } from '@sluice/runtime/clock';
import type { ProxyFleet } from '../api/v1alpha1.ts';
import type { Writer } from '../apply/writer.ts';
import { readSecret } from '../keys/secret-access.ts';
import { FaultLooks, type LookPace } from './fault-looks.ts';

const LOOKS: LookPace = { wellMs: 2 * 60_000, faultMs: 15_000 };

export interface UpstreamSecretsModules {
  readonly writer: Writer;
  readonly clock: Clock;
}

export class UpstreamSecrets {
  readonly #writer: Writer;
  readonly #looks: FaultLooks<string>;

  constructor({ writer, clock }: UpstreamSecretsModules) {
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
        const secret = await readSecret(this.#writer, metadata.namespace, name);
        if (secret === undefined) return `${whose}: there is no Secret ${name}`;
        return secret.data?.[key] === undefined ? `${whose}: Secret ${name} has no key ${key}` : undefined;
      }),
    );
    return faults.filter((fault) => fault !== undefined);
  }
}
