// The user of mining.authorize and mining.submit: `account`, or `account.worker`.

/** An empty worker is none. */
export interface UserName {
  readonly account: string;
  readonly worker: string;
}

/** The text that was meant: some firmware percent-encodes what is no letter. Text that is no such encoding is left as it is. */
export function decodeUser(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** At the first full stop, which no address has. */
export function splitUser(user: string): UserName {
  const dot = user.indexOf('.');
  return dot === -1 ? { account: user, worker: '' } : { account: user.slice(0, dot), worker: user.slice(dot + 1) };
}
