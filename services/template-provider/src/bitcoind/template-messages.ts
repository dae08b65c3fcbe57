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

/** The template of this number, which the thread has told, for another reserve. */
export interface VariantRequest {
  readonly kind: 'variant';
  readonly request: number;
  readonly template: number;
  readonly reserve: CoinbaseReserve;
}

/** To the thread: the tip has changed, so that a long poll answers by itself; or the target has, of which a long poll knows nothing. */
export type TemplateThreadRequest = 'tip-changed' | 'fetch' | 'stop' | VariantRequest;

/**
 * From the thread; templates are numbered. A template's body is transferred, not copied. `unchanged`: the node gives the template that
 * was told last. Of a variant: `same` transactions as the template, or `gone`, because a newer template has taken its place.
 */
export type TemplateThreadReport =
  | { readonly kind: 'template'; readonly number: number; readonly template: PreparedTemplate }
  | { readonly kind: 'variant'; readonly request: number; readonly variant: PreparedTemplate | 'same' | 'gone' }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'failure'; readonly unauthorized: boolean; readonly detail: string };
