// Writes the WebAssembly module behind `ShortAead`, at the start, so that no compiled code is kept.
import { wasmModule } from '@sluice/wasm-writer/wasm-module';
import { mixBody, streamBody } from './chacha20-code.ts';
import { tagBody } from './poly1305-code.ts';

/** A module that exports `memory`, `stream()`, `mix(stream: i32)` and `tag(stream: i32, length: i32)`. */
export function shortAeadModule(): Uint8Array<ArrayBuffer> {
  return wasmModule([
    { name: 'stream', code: streamBody() },
    { name: 'mix', code: mixBody() },
    { name: 'tag', code: tagBody() },
  ]);
}
