// What miners ask of a server, as typed values. Which of it is fit to be answered in the state of a connection is the server's business.
import { type Configure, readConfigure } from './configure.ts';
import { parseHexU32 } from './hex.ts';
import type { Request } from './json-rpc.ts';
import { integerUpTo, positiveNumber } from './numeric.ts';
import { decodeUser } from './user-name.ts';

/** The id of each is the JSON text to be echoed; `null`: a notification, which is not answered. */
export type MinerRequest =
  | Configure
  | Subscribe
  | Authorize
  | Submit
  | Suggestion
  | { readonly kind: 'extranonce-subscribe' | 'ping' | 'get-transactions'; readonly id: string }
  /** ESP-Miner's answer to mining.ping, which has the form of a request: `id` is that of the ping. */
  | { readonly kind: 'pong'; readonly id: string }
  | { readonly kind: 'unknown'; readonly id: string; readonly method: string }
  /** A known method without the parameters that it needs. */
  | { readonly kind: 'malformed'; readonly id: string; readonly method: string };

/** mining.subscribe. All parameters may be missing. */
export interface Subscribe {
  readonly kind: 'subscribe';
  readonly id: string;
  /** Such as `cgminer/4.11.1`; empty when it is not told. */
  readonly agent: string;
  /** Of the session that the miner wants back. NiceHash sends the time here. */
  readonly sessionId: string | undefined;
  /** The server's name as the miner knows it. */
  readonly host: string | undefined;
  readonly port: number | undefined;
}

/** mining.authorize. */
export interface Authorize {
  readonly kind: 'authorize';
  readonly id: string;
  /** Percent-decoded; see `splitUser`. */
  readonly user: string;
  /** Empty when there is none; see `parsePasswordOptions`. */
  readonly password: string;
}

/** mining.submit; what it is worth is for `readShare`. */
export interface Submit {
  readonly kind: 'submit';
  readonly id: string;
  /** Percent-decoded. */
  readonly user: string;
  readonly jobId: string;
  /** As it was sent: of any length, and maybe no hexadecimal at all. */
  readonly extranonce2: string;
  /** Unix seconds. */
  readonly ntime: number;
  readonly nonce: number;
  /** The sixth parameter, u32. */
  readonly versionBits: number | undefined;
}

/** mining.suggest_difficulty and mining.suggest_target: a wish, which some clients repeat for ever to keep the connection alive. */
export type Suggestion =
  | { readonly kind: 'suggest-difficulty'; readonly id: string; readonly difficulty: number }
  /** 256-bit integer, above 0. */
  | { readonly kind: 'suggest-target'; readonly id: string; readonly target: bigint };

const readers: Readonly<Record<string, (request: Request) => MinerRequest | undefined>> = {
  'mining.submit': readSubmit,
  'mining.configure': readConfigure,
  'mining.subscribe': readSubscribe,
  'mining.authorize': readAuthorize,
  'mining.extranonce.subscribe': ({ id }) => ({ kind: 'extranonce-subscribe', id }),
  'mining.suggest_difficulty': readSuggestedDifficulty,
  'mining.suggest_target': readSuggestedTarget,
  'mining.get_transactions': ({ id }) => ({ kind: 'get-transactions', id }),
  'mining.ping': ({ id }) => ({ kind: 'ping', id }),
  pong: ({ id }) => ({ kind: 'pong', id }),
};

/** Never throws; a method that is not known is `unknown`. */
export function readMinerRequest(request: Request): MinerRequest {
  const { id, method } = request;
  if (!Object.hasOwn(readers, method)) return { kind: 'unknown', id, method };
  return readers[method]!(request) ?? { kind: 'malformed', id, method };
}

function readSubscribe({ id, params }: Request): Subscribe {
  const [agent, sessionId, host, port] = params;
  return {
    kind: 'subscribe',
    id,
    agent: typeof agent === 'string' ? agent : '',
    sessionId: typeof sessionId === 'string' ? sessionId : undefined,
    host: typeof host === 'string' ? host : undefined,
    port: integerUpTo(port, 65_535),
  };
}

function readAuthorize({ id, params }: Request): Authorize | undefined {
  const [user, password] = params;
  if (typeof user !== 'string') return undefined;
  return { kind: 'authorize', id, user: decodeUser(user), password: typeof password === 'string' ? password : '' };
}

function readSubmit({ id, params }: Request): Submit | undefined {
  const [user, jobId, extranonce2, ntimeText, nonceText, bitsText] = params;
  const ntime = parseHexU32(ntimeText);
  const nonce = parseHexU32(nonceText);
  const versionBits = parseHexU32(bitsText);
  if (typeof user !== 'string' || typeof jobId !== 'string' || typeof extranonce2 !== 'string') return undefined;
  if (ntime === undefined || nonce === undefined) return undefined;
  if (versionBits === undefined && bitsText !== undefined && bitsText !== null) return undefined;
  return { kind: 'submit', id, user: decodeUser(user), jobId, extranonce2, ntime, nonce, versionBits };
}

function readSuggestedDifficulty({ id, params }: Request): Suggestion | undefined {
  const difficulty = positiveNumber(params[0]);
  return difficulty === undefined ? undefined : { kind: 'suggest-difficulty', id, difficulty };
}

function readSuggestedTarget({ id, params: [digits] }: Request): Suggestion | undefined {
  if (typeof digits !== 'string' || !/^[\da-f]{1,64}$/i.test(digits)) return undefined;
  const target = BigInt(`0x${digits}`);
  return target === 0n ? undefined : { kind: 'suggest-target', id, target };
}
