// Numbers as peers write them: as JSON numbers, and as text.

/** A finite, positive number, or the text of one; `undefined` for anything else. */
export function positiveNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^[\d.]+(?:e[+-]?\d+)?$/i.test(value) ? Number(value) : value;
  return typeof number === 'number' && number > 0 && number < Infinity ? number : undefined;
}

/** An integer from 0 to `maximum`, or its decimal text; `undefined` for anything else. */
export function integerUpTo(value: unknown, maximum: number): number | undefined {
  const number = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value;
  return Number.isInteger(number) && (number as number) >= 0 && (number as number) <= maximum
    ? (number as number)
    : undefined;
}
