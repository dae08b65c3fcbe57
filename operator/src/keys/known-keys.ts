// What was found of the keys of each resource last: Secrets are not watched, and are not read again each time that a resource is looked at.
import type { KeyFault } from './key-owner.ts';

export interface FoundKeys {
  /** In base58check; undefined while there has never been a key. */
  readonly authorityPublicKey: string | undefined;
  /** Unix seconds; undefined where there is no certificate. */
  readonly notValidAfter: number | undefined;
  readonly fault: KeyFault | undefined;
}

interface Known {
  readonly found: FoundKeys;
  /** Of what it was found for. */
  readonly fingerprint: string;
  /** By the clock that cannot be set. */
  readonly againAt: number;
}

/** Of resources that there are, by uid; whoever removes a resource forgets it here. */
export class KnownKeys {
  readonly #known = new Map<string, Known>();

  /** Undefined where it is time to look again. @param now milliseconds of the clock that cannot be set */
  get(
    uid: string,
    fingerprint: string,
    now: number,
  ): { readonly found: FoundKeys; readonly leftMs: number } | undefined {
    const known = this.#known.get(uid);
    if (known === undefined || known.fingerprint !== fingerprint || known.againAt <= now) return undefined;
    return { found: known.found, leftMs: Math.ceil(known.againAt - now) };
  }

  set(uid: string, known: Known): void {
    this.#known.set(uid, known);
  }

  forget(uid: string): void {
    this.#known.delete(uid);
  }

  /** Another process leads. */
  clear(): void {
    this.#known.clear();
  }

  /** Of the certificate that expires first, in Unix seconds; NaN where there is none. */
  get firstExpiry(): number {
    const expiries = [...this.#known.values()].flatMap(({ found }) => found.notValidAfter ?? []);
    return expiries.length === 0 ? Number.NaN : Math.min(...expiries);
  }

  faults(reason: KeyFault['reason']): number {
    return [...this.#known.values()].filter(({ found }) => found.fault?.reason === reason).length;
  }
}
