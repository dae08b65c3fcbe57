import { quantityNanos } from '../apply/quantity.ts';

/** Whole bytes of a size as the custom resources hold it, such as `10Gi`; the API server has refused everything else. */
export const bytesOf = (size: string): number => Number((quantityNanos(size) ?? 0n) / 1_000_000_000n);
