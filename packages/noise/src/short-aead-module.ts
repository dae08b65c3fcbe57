// Writes the WebAssembly module behind `ShortAead`: ChaCha20 [RFC 8439 2.4] in four SIMD lanes, a block each, and Poly1305 [2.5] in limbs of 26 bits. It is made
// from this text at the start, so that no compiled code is kept.

const I32 = 0x7f;
const I64 = 0x7e;
const V128 = 0x7b;
const VECTOR_SIZE = 16;
/** Bytes of a block of key stream. */
export const BLOCK_SIZE = 64;

/** Where things lie in the module's memory, in bytes. Eight words of key. */
export const KEY_AT = 0;
/** Four words: which block of its message each lane makes. */
export const COUNTERS_AT = KEY_AT + 32;
/** Three times four words: the nonce of each lane's message. */
export const NONCES_AT = COUNTERS_AT + VECTOR_SIZE;
/** The blocks of the four lanes, one after the other. Of a message: the one-time key of its tag, then what its bytes are mixed with. */
export const STREAM_AT = NONCES_AT + 3 * VECTOR_SIZE;
/** A message, and room for what the tag is made of besides. */
export const MESSAGE_AT = STREAM_AT + 4 * BLOCK_SIZE;
/** The tag that was made last. */
export const TAG_AT = MESSAGE_AT + BLOCK_SIZE + VECTOR_SIZE;
/** Everything is before it. */
export const MEMORY_USED = TAG_AT + VECTOR_SIZE;

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

/** The body of a function: instructions appended one after the other. */
class Code {
  readonly bytes: number[] = [];

  emit(...bytes: readonly number[]): this {
    this.bytes.push(...bytes);
    return this;
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
  simd(operation: number, ...immediate: readonly number[]): this {
    return this.emit(0xfd, ...unsigned(operation), ...immediate);
  }
  /** On top of an address. */
  loadVector(offset: number): this {
    return this.simd(0x00, 4, ...unsigned(offset));
  }
  storeVector(offset: number): this {
    return this.simd(0x0b, 4, ...unsigned(offset));
  }
  /** Picks four of the eight words of two vectors. */
  pick(...words: readonly number[]): this {
    return this.shuffle(words.flatMap((word) => [0, 1, 2, 3].map((byte) => 4 * word + byte)));
  }
  shuffle(bytes: readonly number[]): this {
    return this.simd(0x0d, ...bytes);
  }
  addVectors(): this {
    return this.simd(0xae);
  }
  xorVectors(): this {
    return this.simd(0x51);
  }

  wide(value: number): this {
    return this.emit(0x42, ...signed(value));
  }
  /** Four bytes behind an address. */
  loadWide(offset: number): this {
    return this.emit(0x35, 0, ...unsigned(offset));
  }
  storeLowHalf(offset: number): this {
    return this.emit(0x3e, 0, ...unsigned(offset));
  }
  add(): this {
    return this.emit(0x7c);
  }
  multiply(): this {
    return this.emit(0x7e);
  }
  and(): this {
    return this.emit(0x83);
  }
  or(): this {
    return this.emit(0x84);
  }
  left(bits: number): this {
    return this.wide(bits).emit(0x86);
  }
  right(bits: number): this {
    return this.wide(bits).emit(0x88);
  }
}

/** `()`: the blocks of all lanes. Locals: rounds that are left, the state, spare vectors. */
function streamBody(): Code {
  const code = new Code();
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

function quarter(code: Code, a: number, b: number, c: number, d: number): void {
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
function mixBody(): Code {
  const code = new Code();
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

/** `(stream, length)`: the tag of the ciphertext that the message is. Locals: addresses, then the limbs of the key, of five times it, and of the sum. */
function tagBody(): Code {
  const code = new Code();
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

const section = (id: number, ...content: readonly number[]) => [id, ...unsigned(content.length), ...content];
const nameBytes = (text: string) => [text.length, ...[...text].map((letter) => letter.charCodeAt(0))];

interface ModuleFunction {
  readonly name: string;
  readonly parameters: number;
  /** How many of which type, in order. */
  readonly locals: readonly (readonly [count: number, type: number])[];
  readonly code: Code;
}

/** A module that exports `memory`, `stream()`, `mix(stream: i32)` and `tag(stream: i32, length: i32)`. */
export function shortAeadModule(): Uint8Array<ArrayBuffer> {
  const functions: readonly ModuleFunction[] = [
    {
      name: 'stream',
      parameters: 0,
      locals: [
        [1, I32],
        [20, V128],
      ],
      code: streamBody(),
    },
    { name: 'mix', parameters: 1, locals: [], code: mixBody() },
    {
      name: 'tag',
      parameters: 2,
      locals: [
        [2, I32],
        [20, I64],
      ],
      code: tagBody(),
    },
  ];
  const bodies = functions.flatMap(({ locals, code }) => {
    const declared = locals.flatMap(([count, type]) => [...unsigned(count), type]);
    const body = [locals.length, ...declared, ...code.bytes];
    return [...unsigned(body.length), ...body];
  });
  const types = functions.flatMap(({ parameters }) => [
    0x60,
    parameters,
    ...new Array<number>(parameters).fill(I32),
    0,
  ]);
  const exported = functions.flatMap((each, index) => [...nameBytes(each.name), 0x00, index]);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, functions.length, ...types),
    ...section(3, functions.length, ...functions.keys()),
    ...section(5, 1, 0x00, 1),
    ...section(7, functions.length + 1, ...nameBytes('memory'), 0x02, 0, ...exported),
    ...section(10, functions.length, ...bodies),
  ]);
}
