// The body of a function.
import { MEMORY, PLAIN } from './instructions.ts';
import { signed, unsigned } from './leb128.ts';
import { VALUE_TYPES, type ValueType } from './value-types.ts';

/** The type of a block that leaves nothing on the stack. */
const NO_RESULT = 0x40;

/** Instructions, appended one after the other, and the locals that they use. Sections are those of the WebAssembly core specification 2.0. */
export class WasmCode {
  /** All of them i32, and the first locals. */
  readonly parameters: number;
  readonly #groups: { readonly type: ValueType; count: number }[] = [];
  readonly #bytes: number[] = [];
  #nextLocal: number;

  constructor(parameters: number) {
    this.parameters = parameters;
    this.#nextLocal = parameters;
  }

  /** The numbers of so many more locals, which hold zero at first. */
  locals(type: ValueType, count: number): number[] {
    let group = this.#groups.at(-1);
    if (group?.type !== type) {
      group = { type, count: 0 };
      this.#groups.push(group);
    }
    group.count += count;
    return Array.from({ length: count }, () => this.#nextLocal++);
  }
  /** Of one more. */
  local(type: ValueType): number {
    return this.locals(type, 1)[0]!;
  }

  /** Those that have nothing behind their opcode. */
  op(...names: readonly (keyof typeof PLAIN)[]): this {
    for (const name of names) this.#bytes.push(...PLAIN[name]);
    return this;
  }

  /** `local.get` [5.4.4]. */
  get(local: number): this {
    return this.#emit(0x20, ...unsigned(local));
  }
  /** `local.set`. */
  set(local: number): this {
    return this.#emit(0x21, ...unsigned(local));
  }
  /** `local.tee`: sets it, and leaves the value on the stack. */
  tee(local: number): this {
    return this.#emit(0x22, ...unsigned(local));
  }

  /** `i32.const` [5.4.7]. */
  i32(value: number): this {
    return this.#emit(0x41, ...signed(value));
  }
  /** `i64.const`. @param value -2^31 to 2^31 - 1. */
  i64(value: number): this {
    return this.#emit(0x42, ...signed(value));
  }
  /** `v128.const` [5.4.8] of four words of 32 bits, that of the first lane first. */
  v128(words: readonly [number, number, number, number]): this {
    const bytes = words.flatMap((word) => [word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24]);
    return this.#emit(0xfd, ...unsigned(0x0c), ...bytes);
  }
  /** `i8x16.shuffle` [5.4.8]. @param bytes 16, each the number of one of the 32 bytes of two vectors. */
  shuffle(bytes: readonly number[]): this {
    return this.#emit(0xfd, ...unsigned(0x0d), ...bytes);
  }

  /** A load or store `offset` bytes behind an address, where a multiple of what it moves is. */
  memory(name: keyof typeof MEMORY, offset: number): this {
    const { opcode, alignment } = MEMORY[name];
    return this.#emit(...opcode, alignment, ...unsigned(offset));
  }
  /** Anywhere. */
  unaligned(name: keyof typeof MEMORY, offset: number): this {
    return this.#emit(...MEMORY[name].opcode, 0, ...unsigned(offset));
  }

  /** Up to its `end` [5.4.1]: a branch to it leaves it. */
  block(): this {
    return this.#emit(0x02, NO_RESULT);
  }
  /** A branch to it begins it again. */
  loop(): this {
    return this.#emit(0x03, NO_RESULT);
  }
  /** Is skipped where the i32 on the stack is zero. */
  if(): this {
    return this.#emit(0x04, NO_RESULT);
  }
  /** To a block, loop or if around this, counted from 0, the innermost. */
  br(depth: number): this {
    return this.#emit(0x0c, ...unsigned(depth));
  }
  /** Where the i32 on the stack is not zero. */
  brIf(depth: number): this {
    return this.#emit(0x0d, ...unsigned(depth));
  }
  /** @param place of the function in its module. */
  call(place: number): this {
    return this.#emit(0x10, ...unsigned(place));
  }

  /** Locals and instructions, with the last `end`, as a module has them [5.5.13]. */
  encode(): number[] {
    const groups = this.#groups.flatMap(({ type, count }) => [...unsigned(count), VALUE_TYPES[type]]);
    return [...unsigned(this.#groups.length), ...groups, ...this.#bytes, ...PLAIN.end];
  }

  #emit(...bytes: readonly number[]): this {
    this.#bytes.push(...bytes);
    return this;
  }
}
