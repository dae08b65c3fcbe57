// A module in the binary format [WebAssembly core specification 2.0, 5.5].
import { unsigned } from './leb128.ts';
import { VALUE_TYPES } from './value-types.ts';
import type { WasmCode } from './wasm-code.ts';

/** A function of a module; `call` knows it by its place. */
export interface ModuleFunction {
  /** Exported under it, ASCII; absent: called from within. */
  readonly name?: string;
  /** Absent: nothing. */
  readonly returns?: 'i32';
  readonly code: WasmCode;
}

const PREAMBLE = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const EXPORTED_FUNCTION = 0x00;
const EXPORTED_MEMORY = 0x02;

const counted = (items: readonly (readonly number[])[]) => [...unsigned(items.length), ...items.flat()];
const sized = (bytes: readonly number[]) => [...unsigned(bytes.length), ...bytes];
const named = (text: string) => sized([...text].map((letter) => letter.charCodeAt(0)));
const section = (id: number, items: readonly (readonly number[])[]) => [id, ...sized(counted(items))];

/** A module of these functions, with a memory of one page of 64 KiB that is exported as `memory`. */
export function wasmModule(functions: readonly ModuleFunction[]): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ returns, code: { parameters } }) => [
    0x60,
    ...counted(new Array(parameters).fill([VALUE_TYPES.i32])),
    ...counted(returns === undefined ? [] : [[VALUE_TYPES[returns]]]),
  ]);
  const exported = functions.flatMap(({ name }, place) =>
    name === undefined ? [] : [[...named(name), EXPORTED_FUNCTION, ...unsigned(place)]],
  );
  return Uint8Array.from([
    ...PREAMBLE,
    // Types, functions by their type, the memory's least size in pages, exports, code.
    ...section(1, types),
    ...section(
      3,
      functions.map((_, place) => unsigned(place)),
    ),
    ...section(5, [[0x00, 1]]),
    ...section(7, [[...named('memory'), EXPORTED_MEMORY, 0], ...exported]),
    ...section(
      10,
      functions.map(({ code }) => sized(code.encode())),
    ),
  ]);
}
