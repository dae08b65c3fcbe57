// The instructions that our modules are made of, by their names in the WebAssembly core specification 2.0: bytes of each, section of each kind.
import { unsigned } from './leb128.ts';

/** SIMD, by the number behind the prefix [5.4.8]. */
const vector = (number: number): readonly number[] => [0xfd, ...unsigned(number)];

/** Nothing stands behind these: control [5.4.1], memory [5.4.6], numbers [5.4.7], vectors [5.4.8]. */
export const PLAIN = {
  end: [0x0b],
  return: [0x0f],
  /** Of the only memory. */
  'memory.fill': [0xfc, 0x0b, 0x00],
  'i32.eq': [0x46],
  'i32.lt_u': [0x49],
  'i32.add': [0x6a],
  'i32.sub': [0x6b],
  'i32.and': [0x71],
  'i64.add': [0x7c],
  'i64.sub': [0x7d],
  'i64.mul': [0x7e],
  'i64.and': [0x83],
  'i64.or': [0x84],
  'i64.xor': [0x85],
  'i64.shl': [0x86],
  'i64.shr_u': [0x88],
  'i32.wrap_i64': [0xa7],
  'i64.extend_i32_u': [0xad],
  'i32x4.splat': vector(0x11),
  'i32x4.le_u': vector(0x3e),
  'v128.or': vector(0x50),
  'v128.xor': vector(0x51),
  'v128.bitselect': vector(0x52),
  'i32x4.bitmask': vector(0xa4),
  'i32x4.shl': vector(0xab),
  'i32x4.shr_u': vector(0xad),
  'i32x4.add': vector(0xae),
} as const satisfies Readonly<Record<string, readonly number[]>>;

/** Loads and stores [5.4.6, 5.4.8]. `alignment`: logarithm to base 2 of how many bytes they move. */
export const MEMORY = {
  'i64.load32_u': { opcode: [0x35], alignment: 2 },
  'i32.store': { opcode: [0x36], alignment: 2 },
  'i64.store32': { opcode: [0x3e], alignment: 2 },
  'v128.load': { opcode: vector(0x00), alignment: 4 },
  'v128.load32_splat': { opcode: vector(0x09), alignment: 2 },
  'v128.store': { opcode: vector(0x0b), alignment: 4 },
} as const satisfies Readonly<Record<string, { readonly opcode: readonly number[]; readonly alignment: number }>>;
