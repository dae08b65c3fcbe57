// Suggests the name that somebody meant: edit distance with transpositions (optimal string alignment).

/** What all names of a place begin with says nothing of which was meant. */
const COMMON_PREFIX = /^(--|sluice_)/;

/** The closest of `names`, unless even that one is too far away to be a slip. */
export function nearestName(name: string, names: Iterable<string>): string | undefined {
  const stem = stemOf(name);
  let best: string | undefined;
  let bestDistance = Math.min(stem.length, Math.max(2, Math.ceil(stem.length / 3)) + 1);
  for (const candidate of names) {
    const distance = editDistance(stem, stemOf(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function stemOf(name: string): string {
  return name.toLowerCase().replace(COMMON_PREFIX, '');
}

function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let distance = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, beforeLast[j - 2]! + 1);
      }
      row.push(distance);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
