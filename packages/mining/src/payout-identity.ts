// What a user_identity says about the blocks of its channel, in the forms that the reference implementation's pool takes.
import { type Network, networks } from '@sluice/bitcoin/network';
import { addressScript } from '@sluice/bitcoin/script';
import { type MinerPayout, minerPayout } from './miner-payout.ts';

/** What was understood of an identity. */
export type PayoutIdentity =
  /** Blocks pay `address`, but for what the miner gives to the pool. */
  | { readonly kind: 'miner'; readonly address: string; readonly worker: string; readonly payout: MinerPayout }
  /** Blocks pay the pool, as a gift: no account is named. */
  | { readonly kind: 'donation'; readonly worker: string }
  /** Says nothing about blocks: the name of an account of the pool. */
  | { readonly kind: 'account' }
  /** Means a payout and is none: mining for somebody else by a mistake would be worse than not mining. */
  | { readonly kind: 'invalid' };

const INVALID = { kind: 'invalid' } as const;
const PERCENT = /^[1-9]\d?$/;
/** As long as a witness address, and of its letters alone: one with a mistake in it. */
const LIKE_WITNESS_ADDRESS = /^(bc|tb|bcrt)1[02-9ac-hj-np-z]{38,}$/i;

/**
 * - `sri/solo/ADDRESS[/WORKER]`, `ADDRESS[.WORKER]`: all to the address.
 * - `sri/donate/PERCENT/ADDRESS[/WORKER]`: 1 to 99 per cent to the pool, the rest to the address.
 * - `sri/donate[/WORKER]`: all to the pool.
 */
export function parsePayoutIdentity(identity: string, network: Network): PayoutIdentity {
  const parts = identity.split('/');
  if (parts[0] === 'sri' && parts.length > 1) return parseSri(parts.slice(1), network);
  const dot = identity.indexOf('.');
  const address = dot === -1 ? identity : identity.slice(0, dot);
  const payout = minerPayout(address, 0, network);
  if (payout !== undefined)
    return { kind: 'miner', address, worker: dot === -1 ? '' : identity.slice(dot + 1), payout };
  const isMistaken =
    LIKE_WITNESS_ADDRESS.test(address) || networks.some((other) => addressScript(address, other) !== undefined);
  return isMistaken ? INVALID : { kind: 'account' };
}

function parseSri([mode, ...rest]: readonly string[], network: Network): PayoutIdentity {
  if (mode === 'solo') return paid(rest, 0, network);
  if (mode !== 'donate') return INVALID;
  // A single word behind it is a worker's, be it a number.
  if (rest.length <= 1) return { kind: 'donation', worker: rest[0] ?? '' };
  const [percent = '', ...payee] = rest;
  return PERCENT.test(percent) ? paid(payee, Number(percent), network) : INVALID;
}

function paid([address = '', ...worker]: readonly string[], poolPercent: number, network: Network): PayoutIdentity {
  const payout = minerPayout(address, poolPercent, network);
  return payout === undefined ? INVALID : { kind: 'miner', address, worker: worker.join('/'), payout };
}
