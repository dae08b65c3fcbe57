// WebAssembly, instruction by instruction, and modules of it.

/** Type of a whole number of 32 bits. */
export const I32 = 0x7f;
/** Of 64 bits. */
export const I64 = 0x7e;
/** Type of a vector. */
export const V128 = 0x7b;
/** Bytes of a vector. */
export const VECTOR_SIZE = 16;

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

/** The body of a function: instructions appended one after the other. */
export class WasmCode {
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

/** A function of a module, exported by its name. */
export interface ModuleFunction {
  readonly name: string;
  readonly parameters: number;
  /** How many of which type, in order. */
  readonly locals: readonly (readonly [count: number, type: number])[];
  readonly code: WasmCode;
}

const section = (id: number, ...content: readonly number[]) => [id, ...unsigned(content.length), ...content];
const nameBytes = (text: string) => [text.length, ...[...text].map((letter) => letter.charCodeAt(0))];

/** A module of these functions with a memory of one page of 64 KiB, exported as `memory`. Parameters are i32. */
export function wasmModule(functions: readonly ModuleFunction[]): Uint8Array<ArrayBuffer> {
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
