// Poly1305 [RFC 8439 2.5] in limbs of 26 bits.
import { VECTOR_SIZE } from '@sluice/wasm-writer/value-types';
import { WasmCode } from '@sluice/wasm-writer/wasm-code';
import { BLOCK_SIZE, MESSAGE_AT, TAG_AT } from './short-aead-memory.ts';

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

/** Locals of a number, limb by limb. */
function limbs(code: WasmCode): (index: number) => number {
  const locals = code.locals('i64', 5);
  return (index) => locals[index]!;
}

/** `(stream, length)`: the tag of the ciphertext that the message is. */
export function tagBody(): WasmCode {
  const code = new WasmCode(2);
  const [stream, length] = [0, 1] as const;
  const at = code.local('i32');
  const end = code.local('i32');
  const key = limbs(code);
  const fiveFold = limbs(code);
  const sum = limbs(code);
  const next = limbs(code);
  const limb = (address: number, index: number) => {
    const [byte, bits] = LIMB_AT[index]!;
    code.get(address).unaligned('i64.load32_u', byte);
    return bits === 0 ? code : code.i64(bits).op('i64.shr_u');
  };
  /** Moves what a limb has too much into another one. */
  const carry = (from: number, to: number, times = 1) => {
    code.get(to).get(from).i64(26).op('i64.shr_u');
    if (times > 1) code.i64(times).op('i64.mul');
    code.op('i64.add').set(to);
    code.get(from).i64(LIMB).op('i64.and').set(from);
  };

  // Zeros behind the message, then its length: there is no associated data.
  code.i32(MESSAGE_AT).get(length).op('i32.add').i32(0);
  code
    .i32(BLOCK_SIZE + VECTOR_SIZE)
    .get(length)
    .op('i32.sub');
  code.op('memory.fill');
  code.get(length).i32(15).op('i32.add').i32(-16).op('i32.and').i32(MESSAGE_AT).op('i32.add').set(end);
  code.get(end).get(length).unaligned('i32.store', 8);
  code.get(end).i32(VECTOR_SIZE).op('i32.add').set(end);

  for (let index = 0; index < 5; index++) {
    limb(stream, index).i64(CLAMP[index]!).op('i64.and').set(key(index));
    code.get(key(index)).i64(5).op('i64.mul').set(fiveFold(index));
    code.i64(0).set(sum(index));
  }
  code.i32(MESSAGE_AT).set(at);
  code.loop();
  for (let index = 0; index < 5; index++) {
    limb(at, index);
    if (index < 4) code.i64(LIMB).op('i64.and');
    else code.i64(1 << 24).op('i64.or');
    code.get(sum(index)).op('i64.add').set(sum(index));
  }
  for (let index = 0; index < 5; index++) {
    for (let part = 0; part < 5; part++) {
      const other = index - part;
      code
        .get(sum(part))
        .get(other < 0 ? fiveFold(other + 5) : key(other))
        .op('i64.mul');
      if (part > 0) code.op('i64.add');
    }
    code.set(next(index));
  }
  for (let index = 0; index < 4; index++) carry(next(index), next(index + 1));
  carry(next(4), next(0), 5);
  carry(next(0), next(1));
  for (let index = 0; index < 5; index++) code.get(next(index)).set(sum(index));
  code.get(at).i32(VECTOR_SIZE).op('i32.add').tee(at);
  code.get(end).op('i32.lt_u').brIf(0).op('end');

  for (let index = 1; index < 4; index++) carry(sum(index), sum(index + 1));
  carry(sum(4), sum(0), 5);
  carry(sum(0), sum(1));
  // The sum less 2^130 - 5, which is the result unless it is below zero.
  code.get(sum(0)).i64(5).op('i64.add').set(next(0));
  for (let index = 1; index < 5; index++) {
    code.get(sum(index)).set(next(index));
    carry(next(index - 1), next(index));
  }
  code
    .get(next(4))
    .i64(-(1 << 26))
    .op('i64.add')
    .set(next(4));
  const isLess = fiveFold(0);
  code.i64(0).get(next(4)).i64(63).op('i64.shr_u', 'i64.sub').set(isLess);
  for (let index = 0; index < 5; index++) {
    code.get(sum(index)).get(isLess).op('i64.and');
    code.get(next(index)).get(isLess).i64(-1).op('i64.xor', 'i64.and', 'i64.or').set(sum(index));
  }
  // In words, with the second half of the one-time key added.
  const total = fiveFold(1);
  code.i64(0).set(total);
  for (let word = 0; word < 4; word++) {
    code.get(total).i64(32).op('i64.shr_u').set(total);
    code
      .get(sum(word))
      .i64(6 * word)
      .op('i64.shr_u');
    code
      .get(sum(word + 1))
      .i64(26 - 6 * word)
      .op('i64.shl', 'i64.or', 'i32.wrap_i64', 'i64.extend_i32_u');
    code
      .get(stream)
      .unaligned('i64.load32_u', 16 + 4 * word)
      .op('i64.add')
      .get(total)
      .op('i64.add')
      .set(total);
    code
      .i32(0)
      .get(total)
      .unaligned('i64.store32', TAG_AT + 4 * word);
  }
  return code;
}
