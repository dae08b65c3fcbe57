// Writes a WebAssembly module that searches nonces: double SHA-256 of a header in four SIMD lanes, both compressions of a nonce
// unrolled, the first 64 bytes of the header hashed once (midstate). A test compares it with the reference on random headers.
import { IV } from '@sluice/bitcoin/sha256-rounds';
import { LANES, pad, rounds, SimdCode, simd, simdModule, unsigned } from '@sluice/bitcoin/simd-module';

/** Words of the module's memory that the caller fills; the four lanes of a word are equal. */
export const MIDSTATE_WORD = 0;
/** Words 16 to 18 of the header, big-endian: end of the merkle root, ntime, nbits. */
export const TAIL_WORD = 8;
/** The most significant 32 bits of the target. */
export const TARGET_WORD = 11;
/** Where the module leaves a bit for each lane that hit. */
export const HITS_WORD = 12;

const NONCE = 0;
const GROUPS = 1;
const DONE = 2;
const HITS = 3;

function searchBody(): SimdCode {
  const code = new SimdCode(2, 2);
  const words = Array.from({ length: 16 }, () => code.vector());
  const locals = Array.from({ length: 9 }, () => code.vector());
  // loop
  code.emit(0x03, 0x40);
  // First hash, second block: three words of the header, the nonce (as it lies in the header, big-endian), padding.
  for (let index = 0; index < 3; index++) code.loadWord(TAIL_WORD + index).set(words[index]!);
  code.get(NONCE).simd(simd.splat);
  code.simd(simd.constant, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0).add().set(words[3]!);
  pad(code, words, 4, 640);
  const first = locals.slice(0, 8);
  for (const [index, local] of first.entries()) code.loadWord(MIDSTATE_WORD + index).set(local);
  rounds(code, first, words, locals[8]!);
  for (const [index, local] of first.entries())
    code
      .get(local)
      .loadWord(MIDSTATE_WORD + index)
      .add()
      .set(words[index]!);
  // Second hash: those eight words and padding.
  pad(code, words, 8, 256);
  const second = locals.slice(0, 8);
  for (const [index, local] of second.entries()) code.constant(IV[index]!).set(local);
  rounds(code, second, words, locals[8]!);
  // The last word of the hash holds its most significant bytes in reverse.
  code.get(second[7]!).constant(IV[7]!).add().get(second[7]!);
  code.simd(simd.shuffle, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
  code.loadWord(TARGET_WORD).simd(simd.lessOrEqual).simd(simd.bitmask).set(HITS);
  code.get(DONE).number(1).emit(0x6a).set(DONE);
  code.get(NONCE).number(LANES).emit(0x6a).set(NONCE);
  // A hit ends the search: memory[HITS_WORD] = hits, return the number of groups done.
  code.get(HITS).emit(0x04, 0x40);
  code
    .number(0)
    .get(HITS)
    .emit(0x36, 2, ...unsigned(HITS_WORD * 4));
  code.get(DONE).emit(0x0f, 0x0b);
  // br_if loop while DONE < GROUPS
  code.get(DONE).get(GROUPS).emit(0x49, 0x0d, 0x00, 0x0b);
  code.number(0).emit(0x0b);
  return code;
}

/**
 * A module that exports `memory` and `search(nonce: i32, groups: i32): i32`: tries `groups` times four nonces from `nonce` on,
 * counted in the header's byte order read big-endian. Returns 0 when none hit, else the number of groups up to the one with
 * the hit.
 */
export function searchModule(): Uint8Array<ArrayBuffer> {
  return simdModule([{ name: 'search', returns: true, code: searchBody() }]);
}
