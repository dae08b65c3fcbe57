// What pools send on their own account, as typed values.
import { parseHexBytes, parseHexU32 } from './hex.ts';
import type { Sv1Job } from './job.ts';
import type { Request } from './json-rpc.ts';
import { integerUpTo, positiveNumber } from './numeric.ts';
import { parsePrevHash } from './prev-hash.ts';

/** The id is to be echoed where there is something to answer. */
export type PoolRequest =
  | { readonly kind: 'notify'; readonly job: Sv1Job }
  /** Counts from the next job on. */
  | { readonly kind: 'set-difficulty'; readonly difficulty: number }
  /** Counts from the next job on. */
  | ({ readonly kind: 'set-extranonce' } & Extranonce)
  /** Counts at once; u32. */
  | { readonly kind: 'set-version-mask'; readonly mask: number }
  | Reconnect
  | { readonly kind: 'show-message'; readonly text: string }
  | { readonly kind: 'get-version' | 'ping'; readonly id: string }
  | { readonly kind: 'unknown'; readonly id: string; readonly method: string }
  /** A known method without the parameters that it needs. */
  | { readonly kind: 'malformed'; readonly id: string; readonly method: string };

/** The part of a coinbase that tells connections apart, and how much of it a miner may roll. */
export interface Extranonce {
  readonly extranonce1: Uint8Array;
  /** Bytes, 1 to 32. */
  readonly extranonce2Size: number;
}

/** client.reconnect; whether to follow to another host is the client's to decide. */
export interface Reconnect {
  readonly kind: 'reconnect';
  /** `undefined`: the same one. */
  readonly host: string | undefined;
  /** `undefined`: the same one. */
  readonly port: number | undefined;
  /** 0 when nothing is said. */
  readonly waitSeconds: number;
}

/** An extranonce has up to 32 bytes in SV2, and a merkle tree of the largest block no more levels than this. */
const MAX_EXTRANONCE_SIZE = 32;
const MAX_MERKLE_PATH = 32;
const MAX_WAIT_SECONDS = 86_400;

const readers: Readonly<Record<string, (request: Request) => PoolRequest | undefined>> = {
  'mining.notify': readNotify,
  'mining.set_difficulty': readSetDifficulty,
  'mining.set_extranonce': readSetExtranonce,
  'mining.set_version_mask': readSetVersionMask,
  // So written by SRI's Stratum V1 server.
  'mining.set_version': readSetVersionMask,
  'client.reconnect': readReconnect,
  'client.show_message': readShowMessage,
  'client.get_version': ({ id }) => ({ kind: 'get-version', id }),
  'mining.ping': ({ id }) => ({ kind: 'ping', id }),
};

/** Never throws; a method that is not known is `unknown`. */
export function readPoolRequest(request: Request): PoolRequest {
  const { id, method } = request;
  if (!Object.hasOwn(readers, method)) return { kind: 'unknown', id, method };
  return readers[method]!(request) ?? { kind: 'malformed', id, method };
}

/** `undefined` when the first is no bytes of an extranonce, or the second no size. */
export function readExtranonce(digits: unknown, size: unknown): Extranonce | undefined {
  const extranonce1 = parseHexBytes(digits);
  const extranonce2Size = integerUpTo(size, MAX_EXTRANONCE_SIZE);
  if (extranonce1 === undefined || extranonce1.length > MAX_EXTRANONCE_SIZE || !extranonce2Size) return undefined;
  return { extranonce1, extranonce2Size };
}

function readNotify({ params }: Request): PoolRequest | undefined {
  const [jobId, prevHashDigits, prefix, suffix, branches, versionDigits, nbitsDigits, ntimeDigits, clean] = params;
  const prevHash = parsePrevHash(prevHashDigits);
  const coinbasePrefix = parseHexBytes(prefix);
  const coinbaseSuffix = parseHexBytes(suffix);
  const merklePath = readMerklePath(branches);
  if (prevHash === undefined || !coinbasePrefix || !coinbaseSuffix || merklePath === undefined) return undefined;
  const version = parseHexU32(versionDigits);
  const nbits = parseHexU32(nbitsDigits);
  const ntime = parseHexU32(ntimeDigits);
  if (typeof jobId !== 'string' || version === undefined || nbits === undefined || ntime === undefined)
    return undefined;
  const work = { prevHash, coinbasePrefix, coinbaseSuffix, merklePath, version, nbits };
  return { kind: 'notify', job: { jobId, ...work, ntime, cleanJobs: clean === true } };
}

function readMerklePath(value: unknown): Uint8Array[] | undefined {
  if (!Array.isArray(value) || value.length > MAX_MERKLE_PATH) return undefined;
  const path = value.map((digits) => parseHexBytes(digits, 32));
  return path.every((hash) => hash !== undefined) ? path : undefined;
}

function readSetDifficulty({ params }: Request): PoolRequest | undefined {
  const difficulty = positiveNumber(params[0]);
  return difficulty === undefined ? undefined : { kind: 'set-difficulty', difficulty };
}

function readSetExtranonce({ params: [digits, size] }: Request): PoolRequest | undefined {
  const extranonce = readExtranonce(digits, size);
  return extranonce && { kind: 'set-extranonce', ...extranonce };
}

function readSetVersionMask({ params }: Request): PoolRequest | undefined {
  const mask = parseHexU32(params[0]);
  return mask === undefined ? undefined : { kind: 'set-version-mask', mask };
}

function readReconnect({ params: [host, port, wait] }: Request): PoolRequest {
  return {
    kind: 'reconnect',
    host: typeof host === 'string' && host !== '' ? host : undefined,
    port: integerUpTo(port, 65_535) || undefined,
    waitSeconds: integerUpTo(wait, MAX_WAIT_SECONDS) ?? 0,
  };
}

function readShowMessage({ params: [text] }: Request): PoolRequest | undefined {
  return typeof text === 'string' ? { kind: 'show-message', text } : undefined;
}
