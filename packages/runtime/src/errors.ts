// Errors that carry a code: what operators search for and what docs/reference/errors.md lists. Expected bad outcomes are
// returned, not thrown; what is thrown across a package boundary is one of these.
import { getSystemErrorMessage } from 'node:util';

/** Codes of this package with the condition of each. */
export const runtimeErrorCodes = {
  'listen-failed': 'A listening socket could not be opened: the address is taken, not local, or not permitted.',
  'stop-timeout': 'A step of the shutdown did not finish within its deadline and was left behind.',
  'secret-unreadable': 'A file that holds a secret is missing, unreadable, open to others, empty or too large.',
} as const;
export type RuntimeErrorCode = keyof typeof runtimeErrorCodes;

/** An error with a code. Packages and services extend it with a union of their own codes. */
export class CodedError<Code extends string = string> extends Error {
  override readonly name: string = 'CodedError';
  readonly code: Code;

  constructor(code: Code, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

export class RuntimeError extends CodedError<RuntimeErrorCode> {
  override readonly name = 'RuntimeError';
}

/** The code of any error that carries one: ours and Node's (`ECONNREFUSED`). */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** One line for a person: the message, without stack; never empty. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  const text = error instanceof Error ? error.message : String(error);
  return (text === '' ? (codeOf(error) ?? 'unknown error') : text).replaceAll(/\s*\n\s*/g, ' ');
}

/** Why the system refused, without the call and its arguments: `EACCES: permission denied`. The message of any other error. */
export function systemReasonOf(error: unknown): string {
  const { errno } = error as { readonly errno?: unknown };
  return typeof errno === 'number' ? `${codeOf(error)}: ${getSystemErrorMessage(errno)}` : messageOf(error);
}

/** The message with the code in front, where there is one and the message does not begin with it already. */
export function codedMessageOf(error: unknown): string {
  const code = codeOf(error);
  const text = messageOf(error);
  return code === undefined || text.startsWith(code) ? text : `${code}: ${text}`;
}
