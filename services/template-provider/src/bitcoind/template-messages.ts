// What the tip's thread and the template thread say to each other.
import type { CoinbaseReserve, PreparedTemplate } from '../prepare-template.ts';
import type { RpcEndpoint } from './rpc-client.ts';

export interface TemplateThreadData {
  readonly endpoint: RpcEndpoint;
  readonly reserve: CoinbaseReserve;
  /** The template is asked for this often even when the long poll is silent. */
  readonly pollMs: number;
}

/** To the thread: the tip has changed, fetch at once. */
export type TemplateThreadRequest = 'fetch' | 'stop';

/** From the thread. A template's body is transferred, not copied. */
export type TemplateThreadReport =
  | { readonly kind: 'template'; readonly template: PreparedTemplate }
  | { readonly kind: 'failure'; readonly unauthorized: boolean; readonly detail: string };
