// Where things lie in the memory of the module behind `ShortAead`.
import { VECTOR_SIZE } from '@sluice/wasm-writer/value-types';

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
