// What orders to the pods of a fleet are signed with. It stands in a Secret that pods cannot start without, so it is made before the first of them.
import type { Clock } from '@sluice/runtime/clock';
import { randomBytes } from '@sluice/runtime/random';
import { secrets } from '../apply/child-kinds.ts';
import type { Children } from '../apply/children.ts';
import type { OwnedFleet } from '../desired/fleet.ts';
import { ORDERS_TOKEN, ordersSecret } from '../desired/orders-secret.ts';
import type { KubernetesObject } from '../kubernetes/resource.ts';

const TOKEN_BYTES = 32;
/** Secrets are not watched: one that somebody has deleted is missed after this. */
const LOOK_AGAIN_MS = 10 * 60_000;
/** And where pods may wait for it, or take another one. */
const AWAITED_LOOK_MS = 30_000;

interface Secret extends KubernetesObject {
  /** In base64. */
  readonly data?: Readonly<Record<string, string>>;
}

/** Of one fleet. */
export class OrderToken {
  readonly #children: Children;
  readonly #clock: Clock;
  #known: { readonly token: string; readonly at: number } | undefined;
  #isRefused = false;

  constructor(children: Children, clock: Clock) {
    this.#children = children;
    this.#clock = clock;
  }

  /** @param isAwaited whether a pod may be about to mount it @throws ChildError `name-conflict`, `not-leader`; KubernetesError */
  async of(owned: OwnedFleet, isAwaited: boolean): Promise<string> {
    const now = this.#clock.monotonic();
    const pace = isAwaited || this.#isRefused ? AWAITED_LOOK_MS : LOOK_AGAIN_MS;
    if (this.#known !== undefined && now - this.#known.at < pace) return this.#known.token;
    const manifest = ordersSecret(owned, Buffer.from(randomBytes(TOKEN_BYTES)).toString('base64url'));
    const secret: Secret = await this.#children.createOnce(secrets, owned.owner, manifest);
    const token = Buffer.from(secret.data?.[ORDERS_TOKEN] ?? '', 'base64').toString();
    this.#known = { token, at: now };
    this.#isRefused = false;
    return token;
  }

  /** A pod does not answer a question with it, and may have another one that stands in the Secret by now. */
  refused(): void {
    this.#isRefused = true;
  }

  /** A pod does not take an order with it. */
  forget(): void {
    this.#known = undefined;
  }
}
