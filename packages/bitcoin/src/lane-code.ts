// WebAssembly that works on a word of each of four SIMD lanes at a time.
import { WasmCode } from '@sluice/wasm-writer/wasm-code';

/** Words of a vector. */
export const LANES = 4;

/** The body of a function. Locals: parameters, other integers, then vectors. */
export class LaneCode extends WasmCode {
  constructor(parameters: number, integers: number) {
    super(parameters);
    this.locals('i32', integers);
    this.locals('v128', 0);
  }

  /** So many vectors more: their locals. */
  vectors(count: number): number[] {
    return this.locals('v128', count);
  }
  /** A vector of four equal words. */
  constant(word: number): this {
    return this.v128([word, word, word, word]);
  }
  /** The vector at so many bytes behind the address in a local. */
  load(address: number, offset: number): this {
    return this.get(address).memory('v128.load', offset);
  }
  /** Stores the vector that stands on top of the address. */
  store(offset: number): this {
    return this.memory('v128.store', offset);
  }
  add(): this {
    return this.op('i32x4.add');
  }
  /** Exclusive or of the rotations, or shifts, of a vector to the right. */
  mix(local: number, rotations: readonly number[], shift?: number): this {
    for (const [index, bits] of rotations.entries()) {
      this.get(local).i32(bits).op('i32x4.shr_u');
      this.get(local)
        .i32(32 - bits)
        .op('i32x4.shl', 'v128.or');
      if (index > 0) this.op('v128.xor');
    }
    if (shift !== undefined) this.get(local).i32(shift).op('i32x4.shr_u', 'v128.xor');
    return this;
  }
}
