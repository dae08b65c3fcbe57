// Types of parameters, locals and results.

/** WebAssembly core specification 2.0, 5.3.4. */
export const VALUE_TYPES = { i32: 0x7f, i64: 0x7e, v128: 0x7b } as const;
/** By its name there. */
export type ValueType = keyof typeof VALUE_TYPES;

/** Bytes of a v128. */
export const VECTOR_SIZE = 16;
