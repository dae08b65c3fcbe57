import { compactToTarget } from '@sluice/bitcoin/target';

/** Whether a compact target (u32) is one that a hash can meet. */
export function isNetworkTarget(nbits: number): boolean {
  try {
    return compactToTarget(nbits) > 0n;
  } catch {
    return false;
  }
}
