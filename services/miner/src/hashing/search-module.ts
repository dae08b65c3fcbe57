// Writes a WebAssembly module that searches nonces: double SHA-256 of a header in four SIMD lanes, both compressions of a nonce
// unrolled, the first 64 bytes of the header hashed once (midstate). A test compares it with the reference on random headers.
import { LANES, LaneCode } from '@sluice/bitcoin/lane-code';
import { pad, rounds } from '@sluice/bitcoin/sha256-code';
import { IV } from '@sluice/bitcoin/sha256-rounds';
import { bytesOfWords, TURNED } from '@sluice/wasm-writer/shuffle';
import { wasmModule } from '@sluice/wasm-writer/wasm-module';

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

function searchBody(): LaneCode {
  const code = new LaneCode(2, 2);
  const words = code.vectors(16);
  const locals = code.vectors(9);
  /** Four copies of a word of the memory. */
  const splat = (word: number) => code.i32(0).memory('v128.load32_splat', word * 4);
  code.loop();
  // First hash, second block: three words of the header, the nonce (as it lies in the header, big-endian), padding.
  for (let index = 0; index < 3; index++) splat(TAIL_WORD + index).set(words[index]!);
  code.get(NONCE).op('i32x4.splat').v128([0, 1, 2, 3]).add().set(words[3]!);
  pad(code, words, 4, 640);
  const first = locals.slice(0, 8);
  for (const [index, local] of first.entries()) splat(MIDSTATE_WORD + index).set(local);
  rounds(code, first, words, locals[8]!);
  for (const [index, local] of first.entries()) {
    code.get(local);
    splat(MIDSTATE_WORD + index)
      .add()
      .set(words[index]!);
  }
  // Second hash: those eight words and padding.
  pad(code, words, 8, 256);
  const second = locals.slice(0, 8);
  for (const [index, local] of second.entries()) code.constant(IV[index]!).set(local);
  rounds(code, second, words, locals[8]!);
  // The last word of the hash holds its most significant bytes in reverse.
  code.get(second[7]!).constant(IV[7]!).add().get(second[7]!);
  code.shuffle(bytesOfWords([0, 1, 2, 3], TURNED));
  splat(TARGET_WORD).op('i32x4.le_u', 'i32x4.bitmask').set(HITS);
  code.get(DONE).i32(1).op('i32.add').set(DONE);
  code.get(NONCE).i32(LANES).op('i32.add').set(NONCE);
  // A hit ends the search: memory[HITS_WORD] = hits, return the number of groups done.
  code.get(HITS).if();
  code
    .i32(0)
    .get(HITS)
    .memory('i32.store', HITS_WORD * 4);
  code.get(DONE).op('return', 'end');
  code.get(DONE).get(GROUPS).op('i32.lt_u').brIf(0).op('end');
  return code.i32(0);
}

/**
 * A module that exports `memory` and `search(nonce: i32, groups: i32): i32`: tries `groups` times four nonces from `nonce` on,
 * counted in the header's byte order read big-endian. Returns 0 when none hit, else the number of groups up to the one with
 * the hit.
 */
export function searchModule(): Uint8Array<ArrayBuffer> {
  return wasmModule([{ name: 'search', returns: 'i32', code: searchBody() }]);
}
