// ChaCha20 [RFC 8439 2.4] in four SIMD lanes, a block each.
import { bytesOfWords } from '@sluice/wasm-writer/shuffle';
import { VECTOR_SIZE } from '@sluice/wasm-writer/value-types';
import { WasmCode } from '@sluice/wasm-writer/wasm-code';
import { BLOCK_SIZE, COUNTERS_AT, KEY_AT, MESSAGE_AT, STREAM_AT } from './short-aead-memory.ts';

const CONSTANTS = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];
const DOUBLE_ROUNDS = 10;
const QUARTERS = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;

/** What makes of four vectors, a word of the state each, four of a lane each: words of two of them, then of two of those. */
const FIRST_PAIRS = bytesOfWords([0, 4, 1, 5]);
const LAST_PAIRS = bytesOfWords([2, 6, 3, 7]);
const FIRST_HALVES = bytesOfWords([0, 1, 4, 5]);
const LAST_HALVES = bytesOfWords([2, 3, 6, 7]);

/** `()`: the blocks of all lanes. */
export function streamBody(): WasmCode {
  const code = new WasmCode(0);
  const roundsLeft = code.local('i32');
  const state = code.locals('v128', 16);
  const spare = code.locals('v128', 4);
  const initial = (index: number) => {
    if (index < 4) return code.i32(CONSTANTS[index]!).op('i32x4.splat');
    if (index < 12) return code.i32(0).memory('v128.load32_splat', KEY_AT + 4 * (index - 4));
    return code.i32(0).memory('v128.load', COUNTERS_AT + VECTOR_SIZE * (index - 12));
  };
  const shuffle = (left: number, right: number, bytes: readonly number[]) => code.get(left).get(right).shuffle(bytes);
  for (const [index, word] of state.entries()) initial(index).set(word);
  code.i32(DOUBLE_ROUNDS).set(roundsLeft);
  code.loop();
  for (const [a, b, c, d] of QUARTERS) quarter(code, state[a]!, state[b]!, state[c]!, state[d]!);
  code.get(roundsLeft).i32(1).op('i32.sub').tee(roundsLeft).brIf(0).op('end');
  for (const [index, word] of state.entries()) initial(index).get(word).op('i32x4.add').set(word);
  for (let first = 0; first < 16; first += 4) {
    const [a, b, c, d] = state.slice(first, first + 4) as [number, number, number, number];
    shuffle(a, b, FIRST_PAIRS).set(spare[0]!);
    shuffle(c, d, FIRST_PAIRS).set(spare[1]!);
    shuffle(a, b, LAST_PAIRS).set(spare[2]!);
    shuffle(c, d, LAST_PAIRS).set(spare[3]!);
    for (let lane = 0; lane < 4; lane++) {
      const half = 2 * (lane >> 1);
      code.i32(0);
      shuffle(spare[half]!, spare[half + 1]!, (lane & 1) === 0 ? FIRST_HALVES : LAST_HALVES);
      code.memory('v128.store', STREAM_AT + lane * BLOCK_SIZE + 4 * first);
    }
  }
  return code;
}

function quarter(code: WasmCode, a: number, b: number, c: number, d: number): void {
  const step = (sum: number, addend: number, mixed: number, bits: number) => {
    code.get(sum).get(addend).op('i32x4.add').set(sum);
    code.get(mixed).get(sum).op('v128.xor').set(mixed);
    // By whole bytes a rotation is one instruction.
    if (bits % 8 === 0) {
      const from = (byte: number) => (byte & ~3) | ((byte - bits / 8) & 3);
      code
        .get(mixed)
        .get(mixed)
        .shuffle(Array.from({ length: VECTOR_SIZE }, (_, byte) => from(byte)));
    } else {
      code.get(mixed).i32(bits).op('i32x4.shl');
      code
        .get(mixed)
        .i32(32 - bits)
        .op('i32x4.shr_u', 'v128.or');
    }
    code.set(mixed);
  };
  step(a, b, d, 16);
  step(c, d, b, 12);
  step(a, b, d, 8);
  step(c, d, b, 7);
}

/** `(stream)`: mixes the message with the second of the two blocks at `stream`. */
export function mixBody(): WasmCode {
  const code = new WasmCode(1);
  const stream = 0;
  for (let at = 0; at < BLOCK_SIZE; at += VECTOR_SIZE) {
    code
      .i32(0)
      .i32(0)
      .memory('v128.load', MESSAGE_AT + at);
    code
      .get(stream)
      .memory('v128.load', BLOCK_SIZE + at)
      .op('v128.xor')
      .memory('v128.store', MESSAGE_AT + at);
  }
  return code;
}
