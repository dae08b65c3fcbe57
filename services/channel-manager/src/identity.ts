// user_identity is `<account>` or `<account>.<worker>`: the account is credited, the worker is for the miner's own eyes.

export interface Identity {
  readonly account: string;
  /** Empty when none is named. */
  readonly worker: string;
}

/** Addresses have up to 90 characters; devices allow 127 for the whole. */
const MAX_ACCOUNT_LENGTH = 127;
const MAX_WORKER_LENGTH = 127;

/** `undefined` for what no pool could show or store: empty, too long, unprintable, or text that was no UTF-8. */
export function parseIdentity(identity: string): Identity | undefined {
  if (!identity.isWellFormed() || /[\p{C}\p{Z}]/u.test(identity)) return undefined;
  const dot = identity.indexOf('.');
  const account = dot === -1 ? identity : identity.slice(0, dot);
  const worker = dot === -1 ? '' : identity.slice(dot + 1);
  if (account.length === 0 || account.length > MAX_ACCOUNT_LENGTH || worker.length > MAX_WORKER_LENGTH)
    return undefined;
  return { account, worker };
}
