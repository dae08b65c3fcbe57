import { createHash } from 'node:crypto';
import type { MiningPool } from '../api/v1alpha1.ts';

/** On what builds the jobs: whom blocks pay. A change of it is told as an Event. */
export const PAYOUT = 'mining.sluice.dev/payout';

/** Sixteen hexadecimal digits of SHA-256, by which people compare the outputs and weights of a payout; their order is of no meaning. */
export function payoutFingerprint({ spec }: Pick<MiningPool, 'spec'>): string {
  const outputs = spec.payout.outputs.map(({ descriptor, weight }) => `${descriptor}=${weight}`).sort();
  return createHash('sha256').update(outputs.join('\n')).digest('hex').slice(0, 16);
}
