// One clock for all processes of the machine: that of `process.hrtime`, at the price of `performance.now()`.

const offset = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** Milliseconds. */
export function monotonicMs(): number {
  return performance.now() + offset;
}
