// user_identity is `<account>` or `<account>.<worker>`: the account is credited, the worker is for the miner's own eyes. Where the pool's
// policy is payout by identity it may name an address that the blocks of its channel pay instead.
import type { Network } from '@sluice/bitcoin/network';
import type { MinerPayout } from '@sluice/mining/miner-payout';
import { parsePayoutIdentity } from '@sluice/mining/payout-identity';

export interface Identity {
  /** Where blocks pay the miner the address that they pay. */
  readonly account: string;
  /** Empty when none is named. */
  readonly worker: string;
  /** Absent: blocks pay the pool. */
  readonly payout?: MinerPayout;
}

/** Who gives all to the pool has no account; what is credited to this name is owed to nobody. */
export const DONATION_ACCOUNT = 'sri/donate';
/** Addresses have up to 90 characters; devices allow 127 for the whole. */
const MAX_ACCOUNT_LENGTH = 127;
const MAX_WORKER_LENGTH = 127;

/**
 * `undefined` for what no pool could show or store (empty, too long, unprintable, or text that was no UTF-8), and for a payout that is
 * none. @param payoutNetwork of the addresses that blocks may pay; absent: an identity says nothing about blocks.
 */
export function parseIdentity(text: string, payoutNetwork?: Network): Identity | undefined {
  if (!text.isWellFormed() || /[\p{C}\p{Z}]/u.test(text)) return undefined;
  const identity = payoutNetwork === undefined ? accountOf(text) : withPayout(text, payoutNetwork);
  if (identity === undefined) return undefined;
  const { account, worker } = identity;
  const fits = account.length > 0 && account.length <= MAX_ACCOUNT_LENGTH && worker.length <= MAX_WORKER_LENGTH;
  return fits ? identity : undefined;
}

function withPayout(text: string, network: Network): Identity | undefined {
  const parsed = parsePayoutIdentity(text, network);
  switch (parsed.kind) {
    case 'miner':
      return { account: parsed.address, worker: parsed.worker, payout: parsed.payout };
    case 'donation':
      return { account: DONATION_ACCOUNT, worker: parsed.worker };
    case 'account':
      return accountOf(text);
    case 'invalid':
      return undefined;
  }
}

function accountOf(text: string): Identity {
  const dot = text.indexOf('.');
  return dot === -1 ? { account: text, worker: '' } : { account: text.slice(0, dot), worker: text.slice(dot + 1) };
}
