// Ends of a connection that the next attempt will meet again, and what whoever runs the miner can do about each.

import { formatServerUrl, type ServerUrl } from '@sluice/client/server-url';
import { MinerError } from './errors.ts';

const CLOCKS = 'the certificate is not valid at this time: set the clocks of this machine and of the pool';
const IDENTITY = 'the pool does not take this identity: set --identity to an account of yours there, as account.worker';
const PORT = 'the server does not serve mining by this protocol: compare host and port with those that the pool shows';

/** By the code in the error's message: the handshake's, or the pool's own. */
const advice: Readonly<Record<string, string>> = {
  'certificate-untrusted':
    'the server is not the pool that the URL names: compare its authority key, behind the last slash, with the one that the pool shows',
  'certificate-version': 'the certificate has a version that this miner does not know',
  'certificate-not-yet-valid': CLOCKS,
  'certificate-expired': CLOCKS,
  'unsupported-protocol': PORT,
  'protocol-version-mismatch': PORT,
  'unsupported-feature-flags': 'the pool lacks what --standard-jobs asks for: try without it',
  'invalid-user-identity': IDENTITY,
  'unknown-user': IDENTITY,
  'extended-channels-not-supported-for-standard-jobs': 'set one of --extended and --standard-jobs',
  'max-target-out-of-range': 'the pool has no work as easy, or as hard, as this miner asks for',
};
/** Refusals that pass by themselves. */
const passing: readonly string[] = ['pool-unavailable', 'channel-capacity-exhausted'];

/** What to do about it; `undefined` where the next attempt may go better. */
export function refusalAdvice(reason: unknown): string | undefined {
  if (!(reason instanceof MinerError)) return undefined;
  const refused = reason.code === 'miner-setup-refused' || reason.code === 'miner-channel-refused';
  if (!refused && reason.code !== 'miner-handshake-failed') return undefined;
  const known = advice[reason.message];
  if (known !== undefined || !refused) return known;
  return passing.includes(reason.message) ? undefined : 'the pool will answer the same again';
}

/** One sentence. */
export function refusalSentence(reason: unknown, pool: ServerUrl, toDo: string): string {
  const { code, message } = reason as MinerError;
  return `refused by ${formatServerUrl({ host: pool.host, port: pool.port })} (${code}: ${message}): ${toDo}`;
}
