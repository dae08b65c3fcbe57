// How quick a core is just now: on a machine that others share it differs by a quarter within minutes, and by half from day to day.

/** 2 MiB, beyond what the nearest caches of a core hold. */
const NUMBERS = new Float64Array(262_144);
const SORTS = 5;

/** CPU milliseconds of this thread for sorting the same numbers, some tenths of a second. */
export function measureFixedWork(): number {
  const from = process.threadCpuUsage();
  for (let sort = 0; sort < SORTS; sort++) {
    // Numerical Recipes' linear congruence.
    let state = 1;
    for (let index = 0; index < NUMBERS.length; index++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      NUMBERS[index] = state;
    }
    NUMBERS.sort();
  }
  const { user, system } = process.threadCpuUsage(from);
  return (user + system) / 1_000;
}
