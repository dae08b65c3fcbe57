// Writes the WebAssembly module behind `ShortAead`, at the start, so that no compiled code is kept.
import { mixBody, streamBody } from './chacha20-code.ts';
import { tagBody } from './poly1305-code.ts';
import { I32, I64, V128, wasmModule } from './wasm-code.ts';

/** A module that exports `memory`, `stream()`, `mix(stream: i32)` and `tag(stream: i32, length: i32)`. */
export function shortAeadModule(): Uint8Array<ArrayBuffer> {
  return wasmModule([
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
  ]);
}
