// Whether the Secrets are there that proxies need for their upstreams. They are not watched, and each is a question to the API server: they are looked at
// when the fleet has changed, while one is missing, and else now and then.
import type { Clock } from '@sluice/runtime/clock';
import type { ProxyFleet } from '../api/v1alpha1.ts';
import type { Writer } from '../apply/writer.ts';
import { readSecret } from '../keys/secret-access.ts';

const LOOK_MS = 2 * 60_000;
const MISSING_LOOK_MS = 15_000;

interface Look {
  readonly faults: readonly string[];
  readonly generation: number;
  /** By the clock that cannot be set. */
  readonly againAt: number;
}

export interface UpstreamSecretsModules {
  readonly writer: Writer;
  readonly clock: Clock;
}

export class UpstreamSecrets {
  readonly #modules: UpstreamSecretsModules;
  /** By uid of the fleet. */
  readonly #looks = new Map<string, Look>();

  constructor(modules: UpstreamSecretsModules) {
    this.#modules = modules;
  }

  /** What is missing, a line for each; without any of it no proxy starts. @throws KubernetesError */
  async missing(fleet: ProxyFleet): Promise<readonly string[]> {
    const { uid, generation } = fleet.metadata;
    const now = this.#modules.clock.monotonic();
    const last = this.#looks.get(uid);
    if (last?.generation === generation && now < last.againAt) return last.faults;
    const faults = await this.#look(fleet);
    this.#looks.set(uid, { faults, generation, againAt: now + (faults.length === 0 ? LOOK_MS : MISSING_LOOK_MS) });
    return faults;
  }

  /** The fleet is gone. */
  forget(uid: string): void {
    this.#looks.delete(uid);
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
        const secret = await readSecret(this.#modules.writer, metadata.namespace, name);
        if (secret === undefined) return `${whose}: there is no Secret ${name}`;
        return secret.data?.[key] === undefined ? `${whose}: Secret ${name} has no key ${key}` : undefined;
      }),
    );
    return faults.filter((fault) => fault !== undefined);
  }
}
