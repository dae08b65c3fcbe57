// Double SHA-256 in WebAssembly without an allocation, on an instance of our own: the public functions of as-sha256 return
// new arrays, and between the two rounds the digest would leave the module's memory and come back.
import { newInstance, type WasmContext } from '@chainsafe/as-sha256/lib/wasm.js';
import type { Sha256dBackend } from './sha256d.ts';

class WasmSha256d implements Sha256dBackend {
  readonly name = 'as-sha256';
  readonly #wasm: WasmContext;
  /** All of the module's memory; it never grows, so the view stays good. */
  readonly #memory: Uint8Array;
  readonly #input: number;
  readonly #output: number;
  readonly #inputSize: number;
  /** Views made once: `set` from a ready view does not allocate. */
  readonly #inputView: Uint8Array;
  readonly #outputView: Uint8Array;

  constructor() {
    this.#wasm = newInstance();
    this.#memory = new Uint8Array(this.#wasm.memory.buffer);
    this.#input = this.#wasm.input.value;
    this.#output = this.#wasm.output.value;
    this.#inputSize = Number(this.#wasm.INPUT_LENGTH.valueOf());
    this.#inputView = this.#memory.subarray(this.#input, this.#input + this.#inputSize);
    this.#outputView = this.#memory.subarray(this.#output, this.#output + 32);
  }

  sha256d(data: Uint8Array): Uint8Array {
    const out = new Uint8Array(32);
    this.sha256dInto(data, data.length, out);
    return out;
  }

  sha256dInto(data: Uint8Array, length: number, out: Uint8Array): void {
    if (length <= this.#inputSize) {
      this.#inputView.set(length === data.length ? data : data.subarray(0, length));
      this.#wasm.digest(length);
    } else {
      this.#digestLong(data, length);
    }
    this.#secondRound();
    out.set(this.#outputView);
  }

  header(header80: Uint8Array, out: Uint8Array): void {
    this.#inputView.set(header80);
    this.#wasm.digest(80);
    this.#secondRound();
    out.set(this.#outputView);
  }

  pair(left: Uint8Array, right: Uint8Array, out: Uint8Array): void {
    this.#inputView.set(left);
    this.#inputView.set(right, 32);
    this.#wasm.digest64(this.#input, this.#output);
    this.#secondRound();
    out.set(this.#outputView);
  }

  foldMerkle(leaf: Uint8Array, path: readonly Uint8Array[], out: Uint8Array): void {
    this.#outputView.set(leaf);
    for (let level = 0; level < path.length; level += 1) {
      this.#memory.copyWithin(this.#input, this.#output, this.#output + 32);
      this.#inputView.set(path[level]!, 32);
      this.#wasm.digest64(this.#input, this.#output);
      this.#secondRound();
    }
    out.set(this.#outputView);
  }

  #secondRound(): void {
    this.#memory.copyWithin(this.#input, this.#output, this.#output + 32);
    this.#wasm.digest(32);
  }

  #digestLong(data: Uint8Array, length: number): void {
    this.#wasm.init();
    for (let offset = 0; offset < length; offset += this.#inputSize) {
      const part = data.subarray(offset, Math.min(offset + this.#inputSize, length));
      this.#inputView.set(part);
      this.#wasm.update(this.#input, part.length);
    }
    this.#wasm.final(this.#output);
  }
}

/** One instance a thread: its memory is scratch that no call leaves anything in for the next. */
export const wasmSha256d: Sha256dBackend = new WasmSha256d();
