// Each instruction does what its name says, in a module that is compiled and run.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instantiate, type MemoryExport } from '../src/instantiate.ts';
import { MEMORY, PLAIN } from '../src/instructions.ts';
import { bytesOfWords, TURNED } from '../src/shuffle.ts';
import { WasmCode } from '../src/wasm-code.ts';
import { wasmModule } from '../src/wasm-module.ts';

interface Exports extends MemoryExport {
  run(a: number, b: number): number;
}
type Plain = keyof typeof PLAIN;

/** A function of two numbers, and the first words of its memory. */
function compiled(write: (code: WasmCode) => WasmCode) {
  const code = write(new WasmCode(2));
  const { memory, run } = instantiate<Exports>(wasmModule([{ name: 'run', returns: 'i32', code }]));
  return { run, words: new Uint32Array(memory.buffer, 0, 16), bytes: new Uint8Array(memory.buffer, 0, 64) };
}

const [A, B] = [0, 1] as const;
const edges = fc.constantFrom(0, 1, 2, 31, 32, 33, 63, 64, 65, -1, 2 ** 31 - 1, -(2 ** 31));
const numbers = fc.oneof(edges, fc.integer());
const fourWords = fc.tuple(numbers, numbers, numbers, numbers);
type FourWords = [number, number, number, number];
const truth = (is: boolean) => (is ? 1 : 0);

const ofI32 = {
  'i32.eq': (a, b) => truth(a === b),
  'i32.lt_u': (a, b) => truth(a >>> 0 < b >>> 0),
  'i32.add': (a, b) => (a + b) | 0,
  'i32.sub': (a, b) => (a - b) | 0,
  'i32.and': (a, b) => a & b,
} satisfies Partial<Record<Plain, (a: number, b: number) => number>>;

const ofI64 = {
  'i64.add': (x, y) => x + y,
  'i64.sub': (x, y) => x - y,
  'i64.mul': (x, y) => x * y,
  'i64.and': (x, y) => x & y,
  'i64.or': (x, y) => x | y,
  'i64.xor': (x, y) => x ^ y,
  'i64.shl': (x, y) => x << (y % 64n),
  'i64.shr_u': (x, y) => x >> (y % 64n),
} satisfies Partial<Record<Plain, (x: bigint, y: bigint) => bigint>>;

const ofTwoVectors = {
  'v128.or': (a, b) => a | b,
  'v128.xor': (a, b) => a ^ b,
  'i32x4.add': (a, b) => a + b,
  'i32x4.le_u': (a, b) => -truth(a >>> 0 <= b >>> 0),
} satisfies Partial<Record<Plain, (a: number, b: number) => number>>;

const ofVectorAndNumber = {
  'i32x4.shl': (a, bits) => a << bits,
  'i32x4.shr_u': (a, bits) => a >>> bits,
} satisfies Partial<Record<Plain, (a: number, bits: number) => number>>;

/** In tests of their own below. */
const others: readonly Plain[] = [
  ...(['end', 'return', 'memory.fill', 'i32.wrap_i64', 'i64.extend_i32_u'] as const),
  ...(['i32x4.splat', 'v128.bitselect', 'i32x4.bitmask'] as const),
];

it('leaves no instruction out', () => {
  const tested = [ofI32, ofI64, ofTwoVectors, ofVectorAndNumber].flatMap((table) => Object.keys(table));
  expect([...tested, ...others].sort()).toEqual(Object.keys(PLAIN).sort());
});

const entries = <Name extends string, T>(table: Record<Name, T>) => Object.entries(table) as [Name, T][];

describe('numbers', () => {
  it.each(entries(ofI32))('%s', (name, expected) => {
    const { run } = compiled((code) => code.get(A).get(B).op(name));
    fc.assert(
      fc.property(numbers, numbers, (a, b) => {
        expect(run(a, b)).toBe(expected(a, b));
        expect(run(a, a)).toBe(expected(a, a));
      }),
    );
  });

  it.each(entries(ofI64))('%s', (name, expected) => {
    const { run, words } = compiled((code) => {
      const [x, y, result] = code.locals('i64', 3) as [number, number, number];
      for (const [local, address] of [
        [x, 0],
        [y, 8],
      ] as const) {
        code.i32(address).unaligned('i64.load32_u', 4).i64(32).op('i64.shl');
        code.i32(address).memory('i64.load32_u', 0).op('i64.or').set(local);
      }
      code.get(x).get(y).op(name).set(result);
      code.i32(16).get(result).memory('i64.store32', 0);
      code.i32(16).get(result).i64(32).op('i64.shr_u').unaligned('i64.store32', 4);
      return code.i32(0);
    });
    fc.assert(
      fc.property(fourWords, (given) => {
        words.set(given);
        run(0, 0);
        const [x, y, result] = new BigUint64Array(words.buffer, 0, 3) as unknown as [bigint, bigint, bigint];
        expect(result).toBe(BigInt.asUintN(64, expected(x, y)));
      }),
    );
  });

  it('have constants with a sign, that of 64 bits in all of these', () => {
    for (const value of [0, 63, 64, -64, -65, 2 ** 31 - 1, -(2 ** 31)]) {
      const { run, words } = compiled((code) => {
        code.i32(0).i64(value).memory('i64.store32', 0);
        code.i32(4).i64(value).i64(32).op('i64.shr_u').memory('i64.store32', 0);
        return code.i32(value);
      });
      expect(run(0, 0)).toBe(value);
      expect(new BigInt64Array(words.buffer, 0, 1)[0]).toBe(BigInt(value));
    }
  });

  it('are made longer without their sign, and cut', () => {
    const { run } = compiled((code) => code.get(A).op('i64.extend_i32_u').i64(4).op('i64.shr_u', 'i32.wrap_i64'));
    expect(run(-1, 0)).toBe(0x0fff_ffff);
    const cut = compiled((code) => code.get(A).op('i64.extend_i32_u').i64(4).op('i64.shl', 'i32.wrap_i64'));
    expect(cut.run(0x1234_5678, 0)).toBe(0x2345_6780);
  });
});

describe('vectors', () => {
  /** Stores at 48 what is made of the vectors at 0, 16 and 32. */
  const toMemory = (write: (code: WasmCode) => WasmCode) =>
    compiled((code) => write(code.i32(48)).memory('v128.store', 0).i32(0));
  const vector = (code: WasmCode, place: number) => code.i32(0).memory('v128.load', 16 * place);
  const result = (words: Uint32Array) => [...words.subarray(12)].map((word) => word | 0);

  it.each(entries(ofTwoVectors))('%s', (name, expected) => {
    const { run, words } = toMemory((code) => vector(vector(code, 0), 1).op(name));
    fc.assert(
      fc.property(fourWords, fourWords, (a, b) => {
        words.set([...a, ...b]);
        run(0, 0);
        expect(result(words)).toEqual(a.map((word, lane) => expected(word, b[lane]!) | 0));
      }),
    );
  });

  it.each(entries(ofVectorAndNumber))('%s', (name, expected) => {
    const { run, words } = toMemory((code) => vector(code, 0).get(A).op(name));
    fc.assert(
      fc.property(fourWords, fc.integer({ min: 0, max: 31 }), (a, bits) => {
        words.set(a);
        run(bits, 0);
        expect(result(words)).toEqual(a.map((word) => expected(word, bits) | 0));
      }),
    );
  });

  it('v128.bitselect: of the first where the third has ones, of the second elsewhere', () => {
    const { run, words } = toMemory((code) => vector(vector(vector(code, 0), 1), 2).op('v128.bitselect'));
    fc.assert(
      fc.property(fourWords, fourWords, fourWords, (a, b, mask) => {
        words.set([...a, ...b, ...mask]);
        run(0, 0);
        expect(result(words)).toEqual(mask.map((bits, lane) => (a[lane]! & bits) | (b[lane]! & ~bits)));
      }),
    );
  });

  it('i32x4.bitmask: the signs, that of the first lane lowest', () => {
    const { run, words } = compiled((code) => vector(code, 0).op('i32x4.bitmask'));
    fc.assert(
      fc.property(fourWords, (a) => {
        words.set(a);
        expect(run(0, 0)).toBe(a.reduce((mask, word, lane) => mask | (truth(word < 0) << lane), 0));
      }),
    );
  });

  it('are made of a number, of a word of the memory, and of four words that are known', () => {
    const splat = toMemory((code) => code.get(B).op('i32x4.splat'));
    splat.run(1, -5);
    expect(result(splat.words)).toEqual([-5, -5, -5, -5]);

    const loaded = toMemory((code) => code.get(A).memory('v128.load32_splat', 4));
    loaded.words.set([1, 2, 3, 4]);
    loaded.run(8, 0);
    expect(result(loaded.words)).toEqual([4, 4, 4, 4]);

    const words: FourWords = [-1, 0x0102_0304, 2 ** 31 - 1, -(2 ** 31)];
    const constant = toMemory((code) => code.v128(words));
    constant.run(0, 0);
    expect(result(constant.words)).toEqual(words);
  });

  it('are shuffled byte by byte', () => {
    const order = [31, 0, 16, 15, 1, 1, 2, 30, 3, 4, 5, 6, 7, 8, 9, 10];
    const { run, bytes } = toMemory((code) => vector(vector(code, 0), 1).shuffle(order));
    bytes.set(Array.from({ length: 32 }, (_, index) => 100 + index));
    run(0, 0);
    expect([...bytes.subarray(48)]).toEqual(order.map((index) => 100 + index));
  });

  it('are shuffled word by word, with their bytes in another order', () => {
    const { run, words } = toMemory((code) => vector(vector(code, 0), 1).shuffle(bytesOfWords([7, 0, 4, 3])));
    words.set([0, 1, 2, 3, 4, 5, 6, 7]);
    run(0, 0);
    expect(result(words)).toEqual([7, 0, 4, 3]);

    const turned = toMemory((code) => vector(vector(code, 0), 1).shuffle(bytesOfWords([1, 1, 2, 6], TURNED)));
    turned.words.set([0, 0x0102_0304, 2, 3, 4, 5, 0x7fff_fffe]);
    turned.run(0, 0);
    expect(result(turned.words)).toEqual([0x0403_0201, 0x0403_0201, 0x0200_0000, 0xfeff_ff7f | 0]);
  });
});

describe('the memory', () => {
  it('has every load and store in these tests', () => {
    const tested = ['i32.store', 'i64.load32_u', 'i64.store32', 'v128.load', 'v128.load32_splat', 'v128.store'];
    expect(Object.keys(MEMORY).sort()).toEqual(tested);
  });

  it('is written at an address and an offset, and where nothing is aligned', () => {
    const { run, bytes } = compiled((code) => {
      code.get(A).get(B).memory('i32.store', 8);
      code.get(A).get(B).unaligned('i32.store', 17);
      return code.i32(0);
    });
    run(4, 0x0403_0201);
    expect([...bytes.subarray(10, 28)]).toEqual([0, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0]);
  });

  it('memory.fill', () => {
    const { run, bytes } = compiled((code) => code.get(A).i32(7).get(B).op('memory.fill').i32(0));
    run(3, 2);
    expect([...bytes.subarray(0, 8)]).toEqual([0, 0, 0, 7, 7, 0, 0, 0]);
  });
});

describe('control', () => {
  it('goes round a loop while a branch leads back', () => {
    const { run } = compiled((code) => {
      const sum = code.local('i32');
      code.loop();
      code.get(sum).get(A).op('i32.add').set(sum);
      code.get(A).i32(1).op('i32.sub').tee(A).brIf(0).op('end');
      return code.get(sum);
    });
    expect(run(10, 0)).toBe(55);
  });

  it('leaves a block by its depth', () => {
    const { run } = compiled((code) => {
      code.block().loop();
      code.get(A).get(B).op('i32.eq').brIf(1);
      code.get(A).i32(1).op('i32.add').set(A);
      code.br(0).op('end', 'end');
      return code.get(A);
    });
    expect(run(-3, 4)).toBe(4);
  });

  it('returns from within, where the condition is not zero', () => {
    const { run } = compiled((code) => code.get(A).if().get(B).op('return', 'end').i32(-1));
    expect(run(0, 5)).toBe(-1);
    expect(run(2, 5)).toBe(5);
  });
});

it('numbers locals behind the parameters, whatever their types, each zero at first', () => {
  const code = new WasmCode(2);
  expect([code.local('i32'), code.local('v128'), ...code.locals('i64', 2), code.local('i32')]).toEqual([2, 3, 4, 5, 6]);
  code.get(2).get(6).op('i32.add').get(4).op('i32.wrap_i64', 'i32.add');
  expect(instantiate<Exports>(wasmModule([{ name: 'run', returns: 'i32', code }])).run(1, 1)).toBe(0);
});
