// The bound of what waits for all peers of a process together. Each of them may have a good deal waiting; all of them may not at once.

interface Reader {
  readonly writer: { readonly queuedBytes: number };
  cut(reason: 'outbound-total'): void;
}

/** Cuts those for whom most waits until it is no more than `bound` bytes; returns what waits. Called about once a second. */
export function boundOutbound(readers: Iterable<Reader>, bound: number): number {
  let total = 0;
  for (const { writer } of readers) total += writer.queuedBytes;
  if (total <= bound) return total;
  const slowest = [...readers]
    .map((reader) => ({ reader, bytes: reader.writer.queuedBytes }))
    .sort((a, b) => b.bytes - a.bytes);
  for (const { reader, bytes } of slowest) {
    if (total <= bound) break;
    total -= bytes;
    reader.cut('outbound-total');
  }
  return total;
}
