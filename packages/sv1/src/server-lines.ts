// What a server sends besides mining.notify, as lines with their line feed. An id is the JSON text of the request's, to be echoed as it came.
import { bytesToHex } from '@noble/hashes/utils.js';
import { formatDifficulty } from './difficulty.ts';
import { type Sv1Error, sv1ErrorOf } from './error-codes.ts';
import { Sv1EncodeError } from './errors.ts';
import { hexU32 } from './hex.ts';
import { errorLine, notificationLine, requestLine, resultLine } from './json-rpc.ts';

/** Longest extranonce2 that every device can roll: Whatsminer, S9 and cgminer take no more. */
const MAX_EXTRANONCE2_SIZE = 8;

/** For mining.authorize, mining.submit, mining.extranonce.subscribe, mining.suggest_difficulty. */
export function acceptedLine(id: string): string {
  return `{"id":${id},"result":true,"error":null}\n`;
}

/** A refusal with one of the six codes. */
export function refusedLine(id: string, { code, message }: Sv1Error): string {
  return errorLine(id, code, message);
}

/** A refusal by an `error_code` of SV2, known or not. */
export function sv2RefusedLine(id: string, errorCode: string): string {
  return refusedLine(id, sv1ErrorOf(errorCode));
}

/**
 * Answer to mining.subscribe, in the form that every client reads: one pair, mining.notify.
 * Throws `value-out-of-range` for an extranonce2 of no bytes or of more than 8.
 */
export function subscribeResultLine(
  id: string,
  sessionId: string,
  extranonce1: Uint8Array,
  extranonce2Size: number,
): string {
  checkExtranonce2Size(extranonce2Size);
  return resultLine(id, [[['mining.notify', sessionId]], bytesToHex(extranonce1), extranonce2Size]);
}

/** Counts from the next mining.notify on. Throws `value-out-of-range` unless finite and positive. */
export function setDifficultyLine(difficulty: number): string {
  return `{"id":null,"method":"mining.set_difficulty","params":[${formatDifficulty(difficulty)}]}\n`;
}

/** For subscribers of the extranonce alone; counts from the next mining.notify on. Throws as `subscribeResultLine`. */
export function setExtranonceLine(extranonce1: Uint8Array, extranonce2Size: number): string {
  checkExtranonce2Size(extranonce2Size);
  return notificationLine('mining.set_extranonce', [bytesToHex(extranonce1), extranonce2Size]);
}

/** Counts at once [BIP 310]. Early bitaxe firmware crashes on it before the answer to mining.subscribe. @param mask u32 */
export function setVersionMaskLine(mask: number): string {
  return notificationLine('mining.set_version_mask', [hexU32(mask)]);
}

/** Where to, and after how many seconds; without a place, to where the miner came from. */
export function reconnectLine(waitSeconds: number, place?: { readonly host: string; readonly port: number }): string {
  const params = place === undefined ? [] : [place.host, place.port, waitSeconds];
  return notificationLine('client.reconnect', params);
}

/** For the miner's screen. */
export function showMessageLine(text: string): string {
  return notificationLine('client.show_message', [text]);
}

/** Asks for the name of the miner's software. */
export function getVersionLine(id: number): string {
  return requestLine(id, 'client.get_version', []);
}

/** Asks for a sign of life. */
export function pingLine(id: number): string {
  return requestLine(id, 'mining.ping', []);
}

/** Answer to mining.ping. */
export function pongLine(id: string): string {
  return resultLine(id, 'pong');
}

/** Answer to mining.get_transactions: none are told. */
export function noTransactionsLine(id: string): string {
  return resultLine(id, []);
}

function checkExtranonce2Size(size: number): void {
  if (!Number.isInteger(size) || size < 1 || size > MAX_EXTRANONCE2_SIZE)
    throw new Sv1EncodeError('value-out-of-range', `an extranonce2 of ${size} bytes`);
}
