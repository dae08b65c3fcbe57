import { CodedError } from '@sluice/runtime/errors';

/** Codes of what keeps a child from being what it should, with the condition of each. */
export const childErrorCodes = {
  'name-conflict': 'An object of that name belongs to somebody else; the operator does not touch it.',
  'invalid-child': 'The API server, or a webhook of it, refuses an object that the operator made of the resource.',
  'not-leader': 'The lease is not held any more, or not certainly: nothing is written.',
} as const;
export type ChildErrorCode = keyof typeof childErrorCodes;

export class ChildError extends CodedError<ChildErrorCode> {
  override readonly name = 'ChildError';
}
