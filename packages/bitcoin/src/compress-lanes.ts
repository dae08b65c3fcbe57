// A compression of SHA-256 in four SIMD lanes, as a function of the modules that hash in them: message and states lie in the memory of the module.
import { VECTOR_SIZE } from '@sluice/wasm-writer/value-types';
import { LaneCode } from './lane-code.ts';
import { rounds, roundsOfConstant } from './sha256-code.ts';

/** Bytes of eight words in all lanes. */
export const STATE_SIZE = 8 * VECTOR_SIZE;
/** Bytes of a block in all lanes. */
export const BLOCK_SIZE = 16 * VECTOR_SIZE;

/** `(left, right, from, to)`: one compression of eight words at `left` and eight at `right`, from the state at `from` to the one at `to`. */
export function compressBody(): LaneCode {
  const code = new LaneCode(4, 0);
  const [left, right, from, to] = [0, 1, 2, 3] as const;
  const words = code.vectors(16);
  for (const [index, word] of words.entries()) code.load(index < 8 ? left : right, (index % 8) * VECTOR_SIZE).set(word);
  const { state, spare } = stateOf(code, from);
  rounds(code, state, words, spare);
  return added(code, state, from, to);
}

/** `(from, to)`: one compression of a message of 16 words that is known, the same in all lanes. */
export function compressConstantBody(message: readonly number[]): LaneCode {
  const code = new LaneCode(2, 0);
  const { state, spare } = stateOf(code, 0);
  roundsOfConstant(code, state, message, spare);
  return added(code, state, 0, 1);
}

function stateOf(code: LaneCode, from: number): { readonly state: number[]; readonly spare: number } {
  const state = code.vectors(8);
  for (const [index, local] of state.entries()) code.load(from, index * VECTOR_SIZE).set(local);
  return { state, spare: code.local('v128') };
}

/** The last addition. */
function added(code: LaneCode, state: readonly number[], from: number, to: number): LaneCode {
  for (const [index, local] of state.entries())
    code
      .get(to)
      .get(local)
      .load(from, index * VECTOR_SIZE)
      .add()
      .store(index * VECTOR_SIZE);
  return code;
}
