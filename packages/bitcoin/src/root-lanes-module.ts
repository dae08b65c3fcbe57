// Writes the WebAssembly module behind `RootLanes`: the end of a coinbase, double SHA-256 of it, and the merkle path, in four lanes.
import { VECTOR_SIZE } from '@sluice/wasm-writer/value-types';
import { wasmModule } from '@sluice/wasm-writer/wasm-module';
import { BLOCK_SIZE, compressBody, compressConstantBody, STATE_SIZE } from './compress-lanes.ts';
import { LaneCode } from './lane-code.ts';

/** Longest path that there is room for. */
export const MAX_LEVELS = 32;

/** Where things lie in the module's memory, in bytes; of what the caller fills all four lanes. Initial state of SHA-256. */
export const IV_AT = 0;
/** Words 8 to 15 of the block that a hash of 32 bytes stands at the beginning of. */
export const PADDING_AT = IV_AT + STATE_SIZE;
/** The state after the blocks that all coinbases of a job share. */
export const MIDSTATE_AT = PADDING_AT + STATE_SIZE;
const STATE_AT = MIDSTATE_AT + STATE_SIZE;
/** The roots, when it has run. */
export const ROOT_AT = STATE_AT + STATE_SIZE;
/** Siblings, deepest first, eight words each. */
export const PATH_AT = ROOT_AT + STATE_SIZE;
/** The coinbase's other blocks, 16 words each. */
export const BLOCKS_AT = PATH_AT + MAX_LEVELS * STATE_SIZE;

/** What follows a message of 64 bytes. */
const PADDING_BLOCK = [0x8000_0000, ...Array.from({ length: 14 }, () => 0), 512];

const COMPRESS = 0;
const COMPRESS_PADDING = 1;

/** `(blocksEnd, pathEnd)`: addresses behind the last block, of which there is one, and behind the last sibling. */
function runBody(): LaneCode {
  const code = new LaneCode(2, 1);
  const [blocksEnd, pathEnd, at] = [0, 1, 2] as const;
  const secondHash = () => {
    code.i32(STATE_AT).i32(PADDING_AT).i32(IV_AT).i32(ROOT_AT).call(COMPRESS);
  };
  for (let offset = 0; offset < STATE_SIZE; offset += VECTOR_SIZE) {
    code
      .i32(0)
      .i32(0)
      .memory('v128.load', MIDSTATE_AT + offset)
      .store(STATE_AT + offset);
  }
  code.i32(BLOCKS_AT).set(at);
  code.loop();
  code.get(at).get(at).i32(STATE_SIZE).op('i32.add').i32(STATE_AT).i32(STATE_AT).call(COMPRESS);
  code.get(at).i32(BLOCK_SIZE).op('i32.add').set(at);
  code.get(at).get(blocksEnd).op('i32.lt_u').brIf(0).op('end');
  secondHash();
  code.i32(PATH_AT).set(at);
  code.block().loop();
  code.get(at).get(pathEnd).op('i32.eq').brIf(1);
  code.i32(ROOT_AT).get(at).i32(IV_AT).i32(STATE_AT).call(COMPRESS);
  code.i32(STATE_AT).i32(STATE_AT).call(COMPRESS_PADDING);
  secondHash();
  code.get(at).i32(STATE_SIZE).op('i32.add').set(at);
  code.br(0).op('end', 'end');
  return code;
}

/** A module that exports `memory` and `run(blocksEnd: i32, pathEnd: i32)`. */
export function rootLanesModule(): Uint8Array<ArrayBuffer> {
  return wasmModule([
    { code: compressBody() },
    { code: compressConstantBody(PADDING_BLOCK) },
    { name: 'run', code: runBody() },
  ]);
}
