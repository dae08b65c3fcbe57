// ChaCha20 [RFC 8439 2.4] in four SIMD lanes, a block each.
import { BLOCK_SIZE, COUNTERS_AT, KEY_AT, MESSAGE_AT, STREAM_AT } from './short-aead-memory.ts';
import { unsigned, VECTOR_SIZE, WasmCode } from './wasm-code.ts';

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

/** `()`: the blocks of all lanes. Locals: rounds that are left, the state, spare vectors. */
export function streamBody(): WasmCode {
  const code = new WasmCode();
  const word = (index: number) => 1 + index;
  const spare = (index: number) => 17 + index;
  const initial = (index: number) => {
    if (index < 4) code.number(CONSTANTS[index]!).simd(0x11);
    else if (index < 12) code.number(0).simd(0x09, 2, ...unsigned(KEY_AT + 4 * (index - 4)));
    else code.number(0).loadVector(COUNTERS_AT + VECTOR_SIZE * (index - 12));
    return code;
  };
  for (let index = 0; index < 16; index++) initial(index).set(word(index));
  code.number(DOUBLE_ROUNDS).set(0);
  code.emit(0x03, 0x40);
  for (const [a, b, c, d] of QUARTERS) quarter(code, word(a), word(b), word(c), word(d));
  code.get(0).number(1).emit(0x6b, 0x22, 0).emit(0x0d, 0x00, 0x0b);
  for (let index = 0; index < 16; index++) initial(index).get(word(index)).addVectors().set(word(index));
  for (let first = 0; first < 16; first += 4) {
    const [a, b, c, d] = [word(first), word(first + 1), word(first + 2), word(first + 3)];
    code.get(a).get(b).pick(0, 4, 1, 5).set(spare(0));
    code.get(c).get(d).pick(0, 4, 1, 5).set(spare(1));
    code.get(a).get(b).pick(2, 6, 3, 7).set(spare(2));
    code.get(c).get(d).pick(2, 6, 3, 7).set(spare(3));
    for (let lane = 0; lane < 4; lane++) {
      const half = 2 * (lane >> 1);
      code
        .number(0)
        .get(spare(half))
        .get(spare(half + 1));
      code.pick(...((lane & 1) === 0 ? [0, 1, 4, 5] : [2, 3, 6, 7]));
      code.storeVector(STREAM_AT + lane * BLOCK_SIZE + 4 * first);
    }
  }
  return code.emit(0x0b);
}

function quarter(code: WasmCode, a: number, b: number, c: number, d: number): void {
  const step = (sum: number, addend: number, mixed: number, bits: number) => {
    code.get(sum).get(addend).addVectors().set(sum);
    code.get(mixed).get(sum).xorVectors().set(mixed);
    // By whole bytes a rotation is one instruction.
    if (bits % 8 === 0) {
      const from = (byte: number) => (byte & ~3) | ((byte - bits / 8) & 3);
      code
        .get(mixed)
        .get(mixed)
        .shuffle(Array.from({ length: VECTOR_SIZE }, (_, byte) => from(byte)));
    } else {
      code.get(mixed).number(bits).simd(0xab);
      code
        .get(mixed)
        .number(32 - bits)
        .simd(0xad)
        .simd(0x50);
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
  const code = new WasmCode();
  for (let at = 0; at < BLOCK_SIZE; at += VECTOR_SIZE) {
    code
      .number(0)
      .number(0)
      .loadVector(MESSAGE_AT + at);
    code
      .get(0)
      .loadVector(BLOCK_SIZE + at)
      .xorVectors()
      .storeVector(MESSAGE_AT + at);
  }
  return code.emit(0x0b);
}
