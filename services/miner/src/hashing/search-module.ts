// Writes a WebAssembly module that searches nonces: double SHA-256 of a header in four SIMD lanes, both compressions of a nonce
// unrolled, the first 64 bytes of the header hashed once (midstate). It is made from this text at the start, so that no
// compiled code is kept; a test compares it with the reference on random headers.
import { IV, K } from './sha256-rounds.ts';

/** Words of the module's memory that the caller fills; the four lanes of a word are equal. */
export const MIDSTATE_WORD = 0;
/** Words 16 to 18 of the header, big-endian: end of the merkle root, ntime, nbits. */
export const TAIL_WORD = 8;
/** The most significant 32 bits of the target. */
export const TARGET_WORD = 11;
/** Where the module leaves a bit for each lane that hit. */
export const HITS_WORD = 12;

const I32 = 0x7f;
const V128 = 0x7b;
const LANES = 4;
/** i32x4 and v128 operations behind the SIMD prefix 0xfd. */
const simd = {
  load32Splat: 0x09,
  constant: 0x0c,
  shuffle: 0x0d,
  splat: 0x11,
  lessOrEqual: 0x3e,
  and: 0x4e,
  or: 0x50,
  xor: 0x51,
  select: 0x52,
  bitmask: 0xa4,
  shiftLeft: 0xab,
  shiftRight: 0xad,
  add: 0xae,
} as const;

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value | 0; ; rest >>= 7) {
    const byte = rest & 0x7f;
    if ((rest >> 6 === 0 && !(byte & 0x40)) || (rest >> 6 === -1 && byte & 0x40)) return [...bytes, byte];
    bytes.push(byte | 0x80);
  }
}

/** The body of `search`: instructions appended one after the other. */
class Code {
  readonly bytes: number[] = [];
  /** Local variables behind the two parameters: two of i32, then vectors. */
  #vectors = 0;

  emit(...bytes: readonly number[]): this {
    this.bytes.push(...bytes);
    return this;
  }
  simd(operation: number, ...immediate: readonly number[]): this {
    return this.emit(0xfd, ...unsigned(operation), ...immediate);
  }
  get(local: number): this {
    return this.emit(0x20, ...unsigned(local));
  }
  set(local: number): this {
    return this.emit(0x21, ...unsigned(local));
  }
  number(value: number): this {
    return this.emit(0x41, ...signed(value));
  }
  /** A vector of four equal words. */
  constant(word: number): this {
    const bytes = [word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24];
    return this.simd(simd.constant, ...bytes, ...bytes, ...bytes, ...bytes);
  }
  /** A vector of four copies of a word of the memory. */
  load(word: number): this {
    return this.number(0).simd(simd.load32Splat, 2, ...unsigned(word * 4));
  }
  add(): this {
    return this.simd(simd.add);
  }
  vector(): number {
    return FIRST_VECTOR + this.#vectors++;
  }
  get vectors(): number {
    return this.#vectors;
  }
  /** Exclusive or of the rotations, or shifts, of a vector to the right. */
  mix(local: number, rotations: readonly number[], shift?: number): this {
    for (const [index, bits] of rotations.entries()) {
      this.get(local).number(bits).simd(simd.shiftRight);
      this.get(local)
        .number(32 - bits)
        .simd(simd.shiftLeft)
        .simd(simd.or);
      if (index > 0) this.simd(simd.xor);
    }
    if (shift !== undefined) this.get(local).number(shift).simd(simd.shiftRight).simd(simd.xor);
    return this;
  }
}

const NONCE = 0;
const GROUPS = 1;
const DONE = 2;
const HITS = 3;
const FIRST_VECTOR = 4;

/** 64 rounds over `state` and the message `words`, both lists of locals; `state` ends as the result without the last addition. */
function rounds(code: Code, state: number[], words: readonly number[], spare: number): void {
  let next = spare;
  for (let round = 0; round < 64; round++) {
    const word = words[round % 16]!;
    if (round >= 16) {
      code
        .get(word)
        .get(words[(round + 9) % 16]!)
        .add();
      code.mix(words[(round + 1) % 16]!, [7, 18], 3).add();
      code
        .mix(words[(round + 14) % 16]!, [17, 19], 10)
        .add()
        .set(word);
    }
    const [a, b, c, d, e, f, g, h] = state as [number, number, number, number, number, number, number, number];
    // T1 in h, then d + T1 in d and T1 + T2 in the spare local; the names move on instead of the values.
    code.get(h).mix(e, [6, 11, 25]).add();
    code.get(f).get(g).get(e).simd(simd.select).add();
    code.constant(K[round]!).add().get(word).add().set(h);
    code.get(d).get(h).add().set(d);
    code.get(h).mix(a, [2, 13, 22]).add();
    // The majority: where a and b differ it is c.
    code.get(c).get(a).get(a).get(b).simd(simd.xor).simd(simd.select).add().set(next);
    state.splice(0, 8, next, a, b, c, d, e, f, g);
    next = h;
  }
}

/** The 16 words of a last block of a message of `bits` bits, whose first ones are set already. */
function pad(code: Code, words: readonly number[], used: number, bits: number): void {
  for (let index = used; index < 16; index++) {
    code.constant(index === used ? 0x8000_0000 : index === 15 ? bits : 0).set(words[index]!);
  }
}

function searchBody(): Code {
  const code = new Code();
  const words = Array.from({ length: 16 }, () => code.vector());
  const locals = Array.from({ length: 9 }, () => code.vector());
  // loop
  code.emit(0x03, 0x40);
  // First hash, second block: three words of the header, the nonce (as it lies in the header, big-endian), padding.
  for (let index = 0; index < 3; index++) code.load(TAIL_WORD + index).set(words[index]!);
  code.get(NONCE).simd(simd.splat);
  code.simd(simd.constant, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0).add().set(words[3]!);
  pad(code, words, 4, 640);
  const first = locals.slice(0, 8);
  for (const [index, local] of first.entries()) code.load(MIDSTATE_WORD + index).set(local);
  rounds(code, first, words, locals[8]!);
  for (const [index, local] of first.entries())
    code
      .get(local)
      .load(MIDSTATE_WORD + index)
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
  code.load(TARGET_WORD).simd(simd.lessOrEqual).simd(simd.bitmask).set(HITS);
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

function section(id: number, ...content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

const name = (text: string) => [text.length, ...[...text].map((letter) => letter.charCodeAt(0))];

/**
 * A module that exports `memory` and `search(nonce: i32, groups: i32): i32`: tries `groups` times four nonces from `nonce` on,
 * counted in the header's byte order read big-endian. Returns 0 when none hit, else the number of groups up to the one with
 * the hit.
 */
export function searchModule(): Uint8Array<ArrayBuffer> {
  const code = searchBody();
  const locals = [2, 2, I32, ...unsigned(code.vectors), V128];
  const body = [...locals, ...code.bytes];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, 1, 0x60, 2, I32, I32, 1, I32),
    ...section(3, 1, 0),
    ...section(5, 1, 0x00, 1),
    ...section(7, 2, ...name('memory'), 0x02, 0, ...name('search'), 0x00, 0),
    ...section(10, 1, ...unsigned(body.length), ...body),
  ]);
}
