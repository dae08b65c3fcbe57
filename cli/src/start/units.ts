// Numbers as people read them.

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P', 'E', 'Z'];
const SATOSHIS = 100_000_000;
const DAY_HOURS = 24;
const YEAR_DAYS = 365;

/** Three significant digits with a unit: `1.23 MH/s`. */
export function hashrateText(hashesPerSecond: number): string {
  return `${prefixed(hashesPerSecond)}H/s`;
}

/** `86.4 T`, `512`, `0.00123`. */
export function difficultyText(difficulty: number): string {
  if (difficulty >= 0.995 || difficulty === 0) return prefixed(difficulty).trimEnd();
  return difficulty >= 1e-6 ? String(Number(difficulty.toPrecision(3))) : difficulty.toExponential(2);
}

/** `3.125 BTC`. */
export function coinsText(satoshis: bigint): string {
  return `${Number(satoshis) / SATOSHIS} BTC`;
}

/** `1.23 M`, and a space behind numbers without a prefix. */
function prefixed(number: number): string {
  let value = Math.max(0, number);
  let prefix = 0;
  while (value >= 999.5 && prefix < PREFIXES.length - 1) {
    value /= 1000;
    prefix += 1;
  }
  const digits = value >= 99.95 || value === 0 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${PREFIXES[prefix]}`;
}

/** `1,234`. */
export function countText(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** The two largest units: `3 h 12 min`, `45 s`; of years one. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < DAY_HOURS) return `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / DAY_HOURS);
  return days < 2 * YEAR_DAYS ? `${days} d ${hours % DAY_HOURS} h` : plural(days / YEAR_DAYS, 'year');
}

/** `1 block`, `2 blocks`. */
export function plural(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`;
}
