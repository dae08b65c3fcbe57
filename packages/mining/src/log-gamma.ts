// Logarithms of the gamma function, for the likelihood of a number of shares.

const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);
/** From here on Stirling's series with four terms is exact to about 1e-12. */
const SERIES_FROM = 10;

/** ln Γ(x) for x > 0. */
export function logGamma(x: number): number {
  let shifted = x;
  let product = 1;
  for (; shifted < SERIES_FROM; shifted += 1) product *= shifted;
  const square = 1 / (shifted * shifted);
  const series = (1 / 12 - (1 / 360 - (1 / 1260 - square / 1680) * square) * square) / shifted;
  return (shifted - 0.5) * Math.log(shifted) - shifted + HALF_LOG_TWO_PI + series - Math.log(product);
}

/** ln(Γ(x + n) / Γ(x)) for x > 0, n >= 0: a plain product where n is a small whole number. */
export function logRisingFactorial(x: number, n: number): number {
  if (n > 8 || !Number.isInteger(n)) return logGamma(x + n) - logGamma(x);
  let product = 1;
  for (let step = 0; step < n; step += 1) product *= x + step;
  return Math.log(product);
}
