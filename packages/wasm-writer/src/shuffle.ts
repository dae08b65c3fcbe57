// Which bytes `shuffle` takes.

/** Of a word. */
const BYTES = [0, 1, 2, 3];
/** Of a word that is to have the other end first. */
export const TURNED = [3, 2, 1, 0] as const;

/** 16 bytes by words: 0 to 3 are those of the first vector, 4 to 7 of the second. @param order in which each has its four bytes; default: as it is. */
export function bytesOfWords(words: readonly number[], order: readonly number[] = BYTES): number[] {
  return words.flatMap((word) => order.map((byte) => 4 * word + byte));
}
