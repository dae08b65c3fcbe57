// Amounts as Kubernetes writes them. What is applied as `0.5` comes back as `500m`.

const FACTORS: Readonly<Record<string, readonly [base: bigint, exponent: bigint]>> = {
  ...{ n: [10n, -9n], u: [10n, -6n], m: [10n, -3n], '': [10n, 0n] },
  ...{ k: [10n, 3n], M: [10n, 6n], G: [10n, 9n], T: [10n, 12n], P: [10n, 15n], E: [10n, 18n] },
  ...{ Ki: [2n, 10n], Mi: [2n, 20n], Gi: [2n, 30n], Ti: [2n, 40n], Pi: [2n, 50n], Ei: [2n, 60n] },
};
/** Below a billionth nothing is told apart, which is Kubernetes' own bound. */
const PRECISION = 9;

/** A quantity in billionths; undefined where it is none. */
export function quantityNanos(value: unknown): bigint | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,2})|([numkMGTPE]|[KMGTPE]i)?)$/.exec(String(value));
  const [, sign, whole = '', fraction = '', power, suffix = ''] = match ?? [];
  if (match === null || whole + fraction === '') return undefined;
  const [base, exponent] = power === undefined ? (FACTORS[suffix] ?? [10n, 0n]) : [10n, BigInt(power)];
  const digits = BigInt(whole + fraction);
  const up = exponent > 0n ? base ** exponent : 1n;
  const down = 10n ** BigInt(fraction.length) * (exponent < 0n ? base ** -exponent : 1n);
  const scaled = digits * up * 10n ** BigInt(PRECISION);
  // As Kubernetes does, whatever is there counts as one billionth at least.
  const nanos = (scaled + down - 1n) / down;
  return sign === '-' ? -nanos : nanos;
}
