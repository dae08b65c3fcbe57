// What each case of a long run leaves behind in memory.

/** Memory in use when so many cases were done. */
export interface Look {
  readonly done: number;
  readonly bytes: number;
}

/** Bytes a case: the median slope over all pairs of looks, so that one buffer that grew once is no leak. NaN: fewer than two. */
export function slope(looks: readonly Look[]): number {
  const slopes = looks.flatMap((later, index) =>
    looks.slice(0, index).map((earlier) => (later.bytes - earlier.bytes) / (later.done - earlier.done)),
  );
  return slopes.sort((a, b) => a - b)[Math.floor(slopes.length / 2)] ?? Number.NaN;
}
