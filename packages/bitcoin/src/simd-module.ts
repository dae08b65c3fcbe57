// Writes WebAssembly modules that hash in four SIMD lanes. They are made from this text at the start, so that no compiled code is kept.
import { K, messageSchedule } from './sha256-rounds.ts';

const I32 = 0x7f;
const V128 = 0x7b;
/** Words of a vector. */
export const LANES = 4;
/** Bytes of a vector: one word of each lane. */
export const VECTOR_SIZE = 16;
/** i32x4 and v128 operations behind the SIMD prefix 0xfd. */
export const simd = {
  load: 0x00,
  load32Splat: 0x09,
  store: 0x0b,
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

/** LEB128. */
export function unsigned(value: number): number[] {
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

/** The body of a function: instructions appended one after the other. Locals: parameters, other integers, then vectors. */
export class SimdCode {
  readonly bytes: number[] = [];
  readonly parameters: number;
  readonly integers: number;
  #vectors = 0;

  constructor(parameters: number, integers: number) {
    this.parameters = parameters;
    this.integers = integers;
  }

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
  loadWord(word: number): this {
    return this.number(0).simd(simd.load32Splat, 2, ...unsigned(word * 4));
  }
  /** The vector at so many bytes behind the address in a local. */
  load(address: number, offset: number): this {
    return this.get(address).simd(simd.load, 4, ...unsigned(offset));
  }
  /** Stores the vector that stands on top of the address. */
  store(offset: number): this {
    return this.simd(simd.store, 4, ...unsigned(offset));
  }
  add(): this {
    return this.simd(simd.add);
  }
  vector(): number {
    return this.parameters + this.integers + this.#vectors++;
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

/** 64 rounds over `state` and the message `words`, both lists of locals; `state` ends as the result without the last addition. */
export function rounds(code: SimdCode, state: number[], words: readonly number[], spare: number): void {
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
    code.constant(K[round]!).get(word).add();
    next = oneRound(code, state, next);
  }
}

/** The same over a message that is known: 16 words, the same in all lanes. */
export function roundsOfConstant(code: SimdCode, state: number[], message: readonly number[], spare: number): void {
  let next = spare;
  for (const [round, word] of messageSchedule(message).entries()) {
    code.constant((K[round]! + word) | 0);
    next = oneRound(code, state, next);
  }
}

/** With the round's constant and message word, added up, on the stack. Returns the local that is free now. */
function oneRound(code: SimdCode, state: number[], spare: number): number {
  const [a, b, c, d, e, f, g, h] = state as [number, number, number, number, number, number, number, number];
  // T1 in h, then d + T1 in d and T1 + T2 in the spare local; the names move on instead of the values.
  code.get(h).add().mix(e, [6, 11, 25]).add();
  code.get(f).get(g).get(e).simd(simd.select).add().set(h);
  code.get(d).get(h).add().set(d);
  code.get(h).mix(a, [2, 13, 22]).add();
  // The majority: where a and b differ it is c.
  code.get(c).get(a).get(a).get(b).simd(simd.xor).simd(simd.select).add().set(spare);
  state.splice(0, 8, spare, a, b, c, d, e, f, g);
  return h;
}

/** The 16 words of a last block of a message of `bits` bits, whose first ones are set already. */
export function pad(code: SimdCode, words: readonly number[], used: number, bits: number): void {
  for (let index = used; index < 16; index++) {
    code.constant(index === used ? 0x8000_0000 : index === 15 ? bits : 0).set(words[index]!);
  }
}

function section(id: number, ...content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

const nameBytes = (text: string) => [text.length, ...[...text].map((letter) => letter.charCodeAt(0))];

/** A function of a module; its number is its place. */
export interface ModuleFunction {
  /** Exported under it; absent: called from within. */
  readonly name?: string;
  /** One i32, or nothing. */
  readonly returns: boolean;
  readonly code: SimdCode;
}

/** A module of these functions with a memory of one page of 64 KiB, exported as `memory`. Parameters are i32. */
export function simdModule(functions: readonly ModuleFunction[]): Uint8Array<ArrayBuffer> {
  const types = functions.flatMap(({ returns, code: { parameters } }) => [
    ...[0x60, parameters, ...Array.from({ length: parameters }, () => I32)],
    ...(returns ? [1, I32] : [0]),
  ]);
  const exported = functions.flatMap(({ name }, index) =>
    name === undefined ? [] : [[...nameBytes(name), 0x00, index]],
  );
  const bodies = functions.flatMap(({ code }) => {
    const locals = [2, ...unsigned(code.integers), I32, ...unsigned(code.vectors), V128];
    const body = [...locals, ...code.bytes];
    return [...unsigned(body.length), ...body];
  });
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, functions.length, ...types),
    ...section(3, functions.length, ...functions.keys()),
    ...section(5, 1, 0x00, 1),
    ...section(7, exported.length + 1, ...nameBytes('memory'), 0x02, 0, ...exported.flat()),
    ...section(10, functions.length, ...bodies),
  ]);
}
