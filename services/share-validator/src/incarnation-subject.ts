import { lastToken } from '@sluice/bus/subjects';

/** Undefined: not a subject of a gateway. */
export function incarnationOf(subject: string): bigint | undefined {
  const token = lastToken(subject);
  return /^[1-9]\d{0,9}$/.test(token) ? BigInt(token) : undefined;
}
