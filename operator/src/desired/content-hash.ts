import { createHash } from 'node:crypto';

/** Of 40 bits, so that two revisions of one fleet never meet by accident. */
const HEX_DIGITS = 10;

/** Ten hexadecimal digits that depend on the value alone, and not on the order of its fields. */
export function contentHash(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(value)))
    .digest('hex')
    .slice(0, HEX_DIGITS);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inside]) => inside !== undefined);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, inside]) => [name, sorted(inside)]),
  );
}
