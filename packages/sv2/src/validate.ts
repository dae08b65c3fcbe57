// Rules on values that every encoding can carry but not every field may hold; their receiver applies them.

/**
 * Whether an F32 can be a hash rate: finite and not negative (minus zero included). Anything else in
 * nominal_hash_rate is a protocol error.
 */
export function isHashRate(value: number): boolean {
  return Number.isFinite(value) && value >= 0 && !Object.is(value, -0);
}
