// Poly1305 [RFC 8439 2.5] in limbs of 26 bits.
import { BLOCK_SIZE, MESSAGE_AT, TAG_AT } from './short-aead-memory.ts';
import { unsigned, VECTOR_SIZE, WasmCode } from './wasm-code.ts';

const LIMB = 0x3ff_ffff;
/** What RFC 8439 2.5 clears of the first half of a one-time key, limb by limb. */
const CLAMP = [0x3ff_ffff, 0x3ff_ff03, 0x3ff_c0ff, 0x3f0_3fff, 0x00f_ffff];
/** Where a limb begins among 16 bytes, and the bits of that byte before it. */
const LIMB_AT = [
  [0, 0],
  [3, 2],
  [6, 4],
  [9, 6],
  [12, 8],
] as const;

/** `(stream, length)`: the tag of the ciphertext that the message is. Locals: addresses, then the limbs of the key, of five times it, and of the sum. */
export function tagBody(): WasmCode {
  const code = new WasmCode();
  const [stream, length, at, end] = [0, 1, 2, 3] as const;
  const key = (index: number) => 4 + index;
  const fiveFold = (index: number) => 9 + index;
  const sum = (index: number) => 14 + index;
  const next = (index: number) => 19 + index;
  const limb = (address: number, index: number, offset = 0) => {
    const [byte, bits] = LIMB_AT[index]!;
    code.get(address).loadWide(offset + byte);
    return bits === 0 ? code : code.right(bits);
  };
  /** Moves what a limb has too much into another one. */
  const carry = (from: number, to: number, times = 1) => {
    code.get(to).get(from).right(26);
    if (times > 1) code.wide(times).multiply();
    code.add().set(to);
    code.get(from).wide(LIMB).and().set(from);
  };

  // Zeros behind the message, then its length: there is no associated data.
  code.number(MESSAGE_AT).get(length).emit(0x6a).number(0);
  code
    .number(BLOCK_SIZE + VECTOR_SIZE)
    .get(length)
    .emit(0x6b);
  code.emit(0xfc, 0x0b, 0x00);
  code.get(length).number(15).emit(0x6a).number(-16).emit(0x71).number(MESSAGE_AT).emit(0x6a).set(end);
  code
    .get(end)
    .get(length)
    .emit(0x36, 0, ...unsigned(8));
  code.get(end).number(VECTOR_SIZE).emit(0x6a).set(end);

  for (let index = 0; index < 5; index++) {
    limb(stream, index).wide(CLAMP[index]!).and().set(key(index));
    code.get(key(index)).wide(5).multiply().set(fiveFold(index));
    code.wide(0).set(sum(index));
  }
  code.number(MESSAGE_AT).set(at);
  code.emit(0x03, 0x40);
  for (let index = 0; index < 5; index++) {
    limb(at, index);
    if (index < 4) code.wide(LIMB).and();
    else code.wide(1 << 24).or();
    code.get(sum(index)).add().set(sum(index));
  }
  for (let index = 0; index < 5; index++) {
    for (let part = 0; part < 5; part++) {
      const other = index - part;
      code
        .get(sum(part))
        .get(other < 0 ? fiveFold(other + 5) : key(other))
        .multiply();
      if (part > 0) code.add();
    }
    code.set(next(index));
  }
  for (let index = 0; index < 4; index++) carry(next(index), next(index + 1));
  carry(next(4), next(0), 5);
  carry(next(0), next(1));
  for (let index = 0; index < 5; index++) code.get(next(index)).set(sum(index));
  code.get(at).number(VECTOR_SIZE).emit(0x6a, 0x22, at);
  code.get(end).emit(0x49, 0x0d, 0x00, 0x0b);

  for (let index = 1; index < 4; index++) carry(sum(index), sum(index + 1));
  carry(sum(4), sum(0), 5);
  carry(sum(0), sum(1));
  // The sum less 2^130 - 5, which is the result unless it is below zero.
  code.get(sum(0)).wide(5).add().set(next(0));
  for (let index = 1; index < 5; index++) {
    code.get(sum(index)).set(next(index));
    carry(next(index - 1), next(index));
  }
  code
    .get(next(4))
    .wide(-(1 << 26))
    .add()
    .set(next(4));
  const isLess = fiveFold(0);
  code.wide(0).get(next(4)).right(63).emit(0x7d).set(isLess);
  for (let index = 0; index < 5; index++) {
    code.get(sum(index)).get(isLess).and();
    code.get(next(index)).get(isLess).wide(-1).emit(0x85).and().or().set(sum(index));
  }
  // In words, with the second half of the one-time key added.
  const total = fiveFold(1);
  code.wide(0).set(total);
  for (let word = 0; word < 4; word++) {
    code.get(total).right(32).set(total);
    code.get(sum(word)).right(6 * word);
    code
      .get(sum(word + 1))
      .left(26 - 6 * word)
      .or()
      .emit(0xa7, 0xad);
    code
      .get(stream)
      .loadWide(16 + 4 * word)
      .add()
      .get(total)
      .add()
      .set(total);
    code
      .number(0)
      .get(total)
      .storeLowHalf(TAG_AT + 4 * word);
  }
  return code.emit(0x0b);
}
