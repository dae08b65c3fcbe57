// The platform's CSPRNG: the only source of randomness of a service.
import { randomFillSync } from 'node:crypto';

/** Fresh random bytes; pure packages take this function as an argument. */
export type RandomBytes = (length: number) => Uint8Array;

/** From the platform CSPRNG; each result has memory of its own, so it can be zeroed. */
export const randomBytes: RandomBytes = (length) => randomFillSync(new Uint8Array(length));

/** A uniform integer from 0 to 2^32 - 1. */
export function randomU32(): number {
  const bytes = randomBytes(4);
  return new DataView(bytes.buffer).getUint32(0, true);
}

/** A uniform fraction in [0, 1) with 32 bits: jitter, never secrets. */
export function randomFraction(): number {
  return randomU32() / 2 ** 32;
}
