// Writes the WebAssembly module behind `HeaderLanes`: double SHA-256 of four headers, each in a SIMD lane. Headers and hashes lie in its memory as on
// the wire: their bytes are turned and spread over the lanes here, which costs less than one word after the other does outside.
import { bytesOfWords, TURNED } from '@sluice/wasm-writer/shuffle';
import { VECTOR_SIZE } from '@sluice/wasm-writer/value-types';
import { wasmModule } from '@sluice/wasm-writer/wasm-module';
import { BLOCK_SIZE, compressBody, STATE_SIZE } from './compress-lanes.ts';
import { HEADER_SIZE } from './header.ts';
import { LANES, LaneCode } from './lane-code.ts';

/** Where things lie in the module's memory, in bytes; of the first three the caller fills all four lanes. Initial state of SHA-256. */
export const IV_AT = 0;
/** Words 8 to 15 of the block that a hash of 32 bytes stands at the beginning of. */
export const HASH_PADDING_AT = IV_AT + STATE_SIZE;
const BLOCKS_AT = HASH_PADDING_AT + STATE_SIZE;
/** What follows the 20 words of a header: 12 words. */
export const HEADER_PADDING_AT = BLOCKS_AT + HEADER_SIZE * LANES;
const STATE_AT = BLOCKS_AT + 2 * BLOCK_SIZE;
/** The places of headers, one behind the other. */
export const PLACES_AT = STATE_AT + STATE_SIZE;
/** Bytes of a place: a header, and its hash behind it. */
export const PLACE_SIZE = HEADER_SIZE + 32;

const COMPRESS = 0;

const FIRST_PAIRS = bytesOfWords([0, 4, 1, 5], TURNED);
const LAST_PAIRS = bytesOfWords([2, 6, 3, 7], TURNED);
const FIRST_HALVES = bytesOfWords([0, 1, 4, 5]);
const LAST_HALVES = bytesOfWords([2, 3, 6, 7]);

/** From four vectors, a row each, the columns of their words, with the bytes of each word turned; all are lists of locals. */
function columns(code: LaneCode, rows: readonly number[], pairs: readonly number[], out: readonly number[]): void {
  const shuffle = (left: number, right: number, bytes: readonly number[], to: number) =>
    code.get(left).get(right).shuffle(bytes).set(to);
  for (const half of [0, 2]) {
    shuffle(rows[half]!, rows[half + 1]!, FIRST_PAIRS, pairs[half]!);
    shuffle(rows[half]!, rows[half + 1]!, LAST_PAIRS, pairs[half + 1]!);
  }
  for (const half of [0, 1]) {
    shuffle(pairs[half]!, pairs[half + 2]!, FIRST_HALVES, out[2 * half]!);
    shuffle(pairs[half]!, pairs[half + 2]!, LAST_HALVES, out[2 * half + 1]!);
  }
}

/** `(first, second, third, fourth)`: the addresses of four places. */
function runBody(): LaneCode {
  const code = new LaneCode(LANES, 0);
  const places = [0, 1, 2, 3];
  const [rows, pairs, out] = [code.vectors(4), code.vectors(4), code.vectors(4)] as const;
  for (let at = 0; at < HEADER_SIZE; at += VECTOR_SIZE) {
    for (const lane of places) code.load(lane, at).set(rows[lane]!);
    columns(code, rows, pairs, out);
    for (const [word, local] of out.entries())
      code
        .i32(0)
        .get(local)
        .store(BLOCKS_AT + at * LANES + word * VECTOR_SIZE);
  }
  const compress = (left: number, right: number, from: number) =>
    code.i32(left).i32(right).i32(from).i32(STATE_AT).call(COMPRESS);
  compress(BLOCKS_AT, BLOCKS_AT + STATE_SIZE, IV_AT);
  compress(BLOCKS_AT + BLOCK_SIZE, BLOCKS_AT + BLOCK_SIZE + STATE_SIZE, STATE_AT);
  compress(STATE_AT, HASH_PADDING_AT, IV_AT);
  for (const half of [0, 1]) {
    for (const [word, row] of rows.entries()) {
      code
        .i32(0)
        .memory('v128.load', STATE_AT + (half * 4 + word) * VECTOR_SIZE)
        .set(row);
    }
    columns(code, rows, pairs, out);
    for (const lane of places)
      code
        .get(lane)
        .get(out[lane]!)
        .store(HEADER_SIZE + half * VECTOR_SIZE);
  }
  return code;
}

/** A module that exports `memory` and `run(first: i32, second: i32, third: i32, fourth: i32)`. */
export function headerLanesModule(): Uint8Array<ArrayBuffer> {
  return wasmModule([{ code: compressBody() }, { name: 'run', code: runBody() }]);
}
