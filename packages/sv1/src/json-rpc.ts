// A line as a JSON-RPC message, and back. SV1 is JSON-RPC 1.0 with liberties: a notification has the id null or none, errors are arrays, and
// some clients claim version 2.0.
import type { LineFault, LineFaultCode } from './errors.ts';
import { rawIdOf } from './raw-id.ts';

/** A request, or a notification, which is a request that nobody answers. */
export interface Request {
  readonly kind: 'request';
  /** JSON text of the id as it was sent, to be sent back as it is; `null` for a notification. */
  readonly id: string;
  readonly method: string;
  /** Empty when there are none, or named ones, which SV1 does not have. */
  readonly params: readonly unknown[];
}

/** An answer to a request of ours. */
export interface Response {
  readonly kind: 'response';
  /** JSON text of the id. */
  readonly id: string;
  /** `null` when it is missing. */
  readonly result: unknown;
  /** `null` when it is missing. */
  readonly error: unknown;
  /** The `reject-reason` that old pools send beside an error. */
  readonly rejectReason: string | undefined;
}

/** Id of a notification. */
export const NO_ID = 'null';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Any bytes of one line without its line ending; nothing is thrown. */
export function parseMessage(line: Uint8Array): Request | Response | LineFault {
  let text: string;
  try {
    text = utf8.decode(line);
  } catch {
    return fault('line-not-utf8');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return fault('line-not-json');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fault('line-not-a-message');
  return messageOf(value as Readonly<Record<string, unknown>>, text);
}

function messageOf(
  { method, params, result, error, 'reject-reason': reason }: Readonly<Record<string, unknown>>,
  text: string,
): Request | Response | LineFault {
  // A few servers name the method in their answers.
  if (typeof method === 'string' && (Array.isArray(params) || result === undefined))
    return { kind: 'request', id: rawIdOf(text), method, params: Array.isArray(params) ? params : [] };
  if (result === undefined && error === undefined) return fault('line-not-a-message');
  const rejectReason = typeof reason === 'string' ? reason : undefined;
  return { kind: 'response', id: rawIdOf(text), result: result ?? null, error: error ?? null, rejectReason };
}

/** A request of ours. */
export function requestLine(id: number, method: string, params: readonly unknown[]): string {
  return `{"id":${id},"method":"${method}","params":${asciiJson(params)}}\n`;
}

/** A notification. */
export function notificationLine(method: string, params: readonly unknown[]): string {
  return `{"id":null,"method":"${method}","params":${asciiJson(params)}}\n`;
}

/** An answer. @param id as the request had it. */
export function resultLine(id: string, result: unknown): string {
  return `{"id":${id},"result":${asciiJson(result)},"error":null}\n`;
}

/** A refusal; ESP-Miner, cgminer and NerdMiner all read the array. @param id as the request had it. */
export function errorLine(id: string, code: number, message: string): string {
  return `{"id":${id},"result":null,"error":[${code},${asciiJson(message)},null]}\n`;
}

/** JSON of ASCII characters alone: what firmware does with others is not known. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function fault(code: LineFaultCode): LineFault {
  return { kind: 'fault', code };
}
