// Writes the WebAssembly module behind `RootLanes`: the end of a coinbase, double SHA-256 of it, and the merkle path, in four lanes.
import { rounds, roundsOfConstant, SimdCode, simd, simdModule, unsigned, VECTOR_SIZE } from './simd-module.ts';

/** Bytes of eight words in all lanes. */
const STATE_SIZE = 8 * VECTOR_SIZE;
/** Bytes of a block in all lanes. */
export const BLOCK_SIZE = 16 * VECTOR_SIZE;
/** Longest path that there is room for. */
export const MAX_LEVELS = 32;

/** Where things lie in the module's memory, in bytes; of what the caller fills all four lanes. Initial state of SHA-256. */
export const IV_AT = 0;
/** Words 8 to 15 of the block that a hash of 32 bytes stands at the beginning of. */
export const PADDING_AT = IV_AT + STATE_SIZE;
/** The state after the blocks that all coinbases of a job share. */
export const MIDSTATE_AT = PADDING_AT + STATE_SIZE;
const STATE_AT = MIDSTATE_AT + STATE_SIZE;
/** The roots, when it has run. */
export const ROOT_AT = STATE_AT + STATE_SIZE;
/** Siblings, deepest first, eight words each. */
export const PATH_AT = ROOT_AT + STATE_SIZE;
/** The coinbase's other blocks, 16 words each. */
export const BLOCKS_AT = PATH_AT + MAX_LEVELS * STATE_SIZE;

/** What follows a message of 64 bytes. */
const PADDING_BLOCK = [0x8000_0000, ...Array.from({ length: 14 }, () => 0), 512];

const COMPRESS = 0;
const COMPRESS_PADDING = 1;

/** `(left, right, from, to)`: one compression of eight words at `left` and eight at `right`. */
function compressBody(): SimdCode {
  const code = new SimdCode(4, 0);
  const [left, right, from, to] = [0, 1, 2, 3] as const;
  const words = Array.from({ length: 16 }, () => code.vector());
  for (const [index, word] of words.entries()) code.load(index < 8 ? left : right, (index % 8) * VECTOR_SIZE).set(word);
  const { state, spare } = stateOf(code, from);
  rounds(code, state, words, spare);
  return added(code, state, from, to);
}

/** `(from, to)`: one compression of the padding block. */
function compressPaddingBody(): SimdCode {
  const code = new SimdCode(2, 0);
  const { state, spare } = stateOf(code, 0);
  roundsOfConstant(code, state, PADDING_BLOCK, spare);
  return added(code, state, 0, 1);
}

function stateOf(code: SimdCode, from: number): { readonly state: number[]; readonly spare: number } {
  const state = Array.from({ length: 8 }, () => code.vector());
  for (const [index, local] of state.entries()) code.load(from, index * VECTOR_SIZE).set(local);
  return { state, spare: code.vector() };
}

/** The last addition. */
function added(code: SimdCode, state: readonly number[], from: number, to: number): SimdCode {
  for (const [index, local] of state.entries())
    code
      .get(to)
      .get(local)
      .load(from, index * VECTOR_SIZE)
      .add()
      .store(index * VECTOR_SIZE);
  return code.emit(0x0b);
}

/** `(blocksEnd, pathEnd)`: addresses behind the last block, of which there is one, and behind the last sibling. */
function runBody(): SimdCode {
  const code = new SimdCode(2, 1);
  const [blocksEnd, pathEnd, at] = [0, 1, 2] as const;
  const call = (index: number) => code.emit(0x10, index);
  const secondHash = () => {
    code.number(STATE_AT).number(PADDING_AT).number(IV_AT).number(ROOT_AT);
    call(COMPRESS);
  };
  for (let offset = 0; offset < STATE_SIZE; offset += VECTOR_SIZE) {
    code.number(0).number(0);
    code.simd(simd.load, 4, ...unsigned(MIDSTATE_AT + offset)).store(STATE_AT + offset);
  }
  code.number(BLOCKS_AT).set(at);
  code.emit(0x03, 0x40);
  code.get(at).get(at).number(STATE_SIZE).emit(0x6a).number(STATE_AT).number(STATE_AT);
  call(COMPRESS);
  code.get(at).number(BLOCK_SIZE).emit(0x6a).set(at);
  // br_if loop while at < blocksEnd
  code.get(at).get(blocksEnd).emit(0x49, 0x0d, 0x00, 0x0b);
  secondHash();
  code.number(PATH_AT).set(at);
  // block, loop; br_if out of both when at = pathEnd
  code.emit(0x02, 0x40, 0x03, 0x40);
  code.get(at).get(pathEnd).emit(0x46, 0x0d, 0x01);
  code.number(ROOT_AT).get(at).number(IV_AT).number(STATE_AT);
  call(COMPRESS);
  code.number(STATE_AT).number(STATE_AT);
  call(COMPRESS_PADDING);
  secondHash();
  code.get(at).number(STATE_SIZE).emit(0x6a).set(at);
  code.emit(0x0c, 0x00, 0x0b, 0x0b);
  return code.emit(0x0b);
}

/** A module that exports `memory` and `run(blocksEnd: i32, pathEnd: i32)`. */
export function rootLanesModule(): Uint8Array<ArrayBuffer> {
  return simdModule([
    { returns: false, code: compressBody() },
    { returns: false, code: compressPaddingBody() },
    { name: 'run', returns: false, code: runBody() },
  ]);
}
