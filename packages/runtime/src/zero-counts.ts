/** A count for each of a closed set of names, to begin with. */
export const zeroCounts = <K extends string>(names: readonly K[]): Record<K, number> =>
  Object.fromEntries(names.map((name) => [name, 0])) as Record<K, number>;
