// What the tip's thread and the template thread say to each other.
import type { Network } from '@sluice/bitcoin/network';
import type { CoinbaseReserve, PreparedTemplate } from '../prepare-template.ts';
import type { RpcEndpoint } from './rpc-client.ts';

export interface TemplateThreadData {
  readonly endpoint: RpcEndpoint;
  readonly network: Network;
  readonly reserve: CoinbaseReserve;
  /** The template is asked for this often even when the long poll is silent. */
  readonly pollMs: number;
}

/** To the thread: the tip has changed, so that a long poll answers by itself; or the target has, of which a long poll knows nothing. */
export type TemplateThreadRequest = 'tip-changed' | 'fetch' | 'stop';

/** From the thread. A template's body is transferred, not copied. `unchanged`: the node gives the template that was told last. */
export type TemplateThreadReport =
  | { readonly kind: 'template'; readonly template: PreparedTemplate }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'failure'; readonly unauthorized: boolean; readonly detail: string };
