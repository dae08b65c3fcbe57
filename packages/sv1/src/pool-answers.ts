// What pools answer, read by what was asked: the form of an answer does not tell.
import type { Sv1Error } from './error-codes.ts';
import { parseHexU32 } from './hex.ts';
import type { Response } from './json-rpc.ts';
import { type Extranonce, readExtranonce } from './pool-requests.ts';

/** What mining.subscribe gave. */
export interface Subscription extends Extranonce {
  /** To be asked for again after a lost connection; not every pool gives one. */
  readonly sessionId: string | undefined;
}

/** What mining.configure gave. */
export interface Configured {
  /** Bits that may be rolled, u32; 0: none. */
  readonly versionMask: number;
  readonly minimumDifficulty: boolean;
  readonly subscribeExtranonce: boolean;
}

/** Number of the request of ours that is answered; some pools make text of it. `undefined` for an id that none of ours has. */
export function answeredId({ id }: Response): number | undefined {
  return /^(?:\d{1,15}|"\d{1,15}")$/.test(id) ? Number(id.replaceAll('"', '')) : undefined;
}

/** Why a request was refused; `undefined`: it was not. Errors come as arrays, texts and objects, or not at all beside a result `false`. */
export function refusalOf({ result, error, rejectReason }: Response): Sv1Error | undefined {
  if (error !== null && error !== false) return errorOf(error, rejectReason);
  if (result !== false && result !== null) return undefined;
  return { code: 20, message: rejectReason ?? 'refused' };
}

/** Answer to mining.subscribe; `undefined` when it is refused or is none. */
export function readSubscription(response: Response): Subscription | undefined {
  const { result } = response;
  if (refusalOf(response) !== undefined || !Array.isArray(result)) return undefined;
  const extranonce = readExtranonce(result[1], result[2]);
  return extranonce && { ...extranonce, sessionId: sessionIdOf(result[0]) };
}

/** Answer to mining.configure; a pool that does not know it grants nothing. */
export function readConfigured(response: Response): Configured {
  const granted: Readonly<Record<string, unknown>> =
    refusalOf(response) === undefined && typeof response.result === 'object' ? { ...response.result } : {};
  return {
    versionMask: granted['version-rolling'] === true ? (parseHexU32(granted['version-rolling.mask']) ?? 0) : 0,
    minimumDifficulty: granted['minimum-difficulty'] === true,
    subscribeExtranonce: granted['subscribe-extranonce'] === true,
  };
}

/** Of `[["mining.notify", id]]`, alone or behind mining.set_difficulty, or of the flat `["mining.notify", id]`. */
function sessionIdOf(subscriptions: unknown): string | undefined {
  if (!Array.isArray(subscriptions)) return undefined;
  const pairs: readonly unknown[] = [subscriptions, ...subscriptions];
  const pair = pairs.find((entry) => Array.isArray(entry) && entry[0] === 'mining.notify');
  const id: unknown = Array.isArray(pair) ? pair[1] : undefined;
  return typeof id === 'string' ? id : undefined;
}

function errorOf(error: unknown, rejectReason: string | undefined): Sv1Error {
  if (typeof error === 'string') return { code: 20, message: rejectReason ?? error };
  const [code, message] = Array.isArray(error) ? error : fieldsOf(error);
  return {
    code: typeof code === 'number' ? code : 20,
    message: typeof message === 'string' ? message : (rejectReason ?? 'refused'),
  };
}

function fieldsOf(error: unknown): readonly unknown[] {
  if (typeof error !== 'object' || error === null) return [];
  const { code, message }: { code?: unknown; message?: unknown } = error;
  return [code, message];
}
