// The fast curve: libsecp256k1 as a WebAssembly module, which scripts/build-secp256k1.ts makes. Every operation on a secret is
// constant-time, the context is blinded, and what a call leaves in the module's memory is zeroed before it returns.
import { type EcBackend, isSecretKey, type RandomBytes } from './ec.ts';
import { NoiseError } from './errors.ts';

/** What this file uses of a global that the ECMAScript library of TypeScript leaves out. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object) => { readonly exports: object };
};

/** The module's functions take no parameters: arguments and results stand in one struct, see scripts/secp256k1/module.c. */
interface Secp256k1Module {
  readonly memory: { readonly buffer: ArrayBuffer };
  io(): number;
  randomize(): number;
  ellswift_create(): number;
  ellswift_xdh_initiator(): number;
  ellswift_xdh_responder(): number;
  ellswift_decode(): number;
  x_only_public_key(): number;
  schnorr_sign(): number;
  schnorr_verify(): number;
}

/** Offsets of the fields in the struct. */
const SECRET = 0;
const RANDOM = 32;
const OURS = 64;
const THEIRS = 128;
const MESSAGE = 192;
const PUBLIC_KEY = 224;
const OUT = 256;
const IO_LENGTH = 320;
/** The module's stack lies at the bottom of its memory, so that an overflow traps instead of writing over data. */
const STACK_LENGTH = 65_536;

class WasmEc implements EcBackend {
  readonly name = 'libsecp256k1';
  readonly #module: Secp256k1Module;
  readonly #stack: Uint8Array;
  readonly #io: Uint8Array;

  constructor(module: Secp256k1Module, random: RandomBytes) {
    this.#module = module;
    // The module has no allocator: its memory never grows, so these views stay good.
    this.#stack = new Uint8Array(module.memory.buffer, 0, STACK_LENGTH);
    this.#io = new Uint8Array(module.memory.buffer, module.io(), IO_LENGTH);
    const seed = random(32);
    this.#put(RANDOM, seed, 32);
    seed.fill(0);
    const blinded = module.randomize();
    this.#wipe();
    if (blinded !== 1) throw new NoiseError('secp256k1-module', 'libsecp256k1 made no context');
  }

  ellswiftCreate(secret: Uint8Array, random: Uint8Array): Uint8Array {
    this.#putSecret(secret);
    this.#put(RANDOM, random, 32);
    return this.#required(this.#module.ellswift_create(), 64);
  }

  ellswiftXdh(secret: Uint8Array, ours: Uint8Array, theirs: Uint8Array, initiator: boolean): Uint8Array | undefined {
    this.#putSecret(secret);
    this.#put(OURS, ours, 64);
    this.#put(THEIRS, theirs, 64);
    return this.#take(initiator ? this.#module.ellswift_xdh_initiator() : this.#module.ellswift_xdh_responder(), 32);
  }

  ellswiftDecode(encoded: Uint8Array): Uint8Array {
    this.#put(THEIRS, encoded, 64);
    return this.#required(this.#module.ellswift_decode(), 32);
  }

  xOnlyPublicKey(secret: Uint8Array): Uint8Array {
    this.#putSecret(secret);
    return this.#required(this.#module.x_only_public_key(), 32);
  }

  schnorrSign(message: Uint8Array, secret: Uint8Array, random: Uint8Array): Uint8Array {
    this.#putSecret(secret);
    this.#put(MESSAGE, message, 32);
    this.#put(RANDOM, random, 32);
    return this.#required(this.#module.schnorr_sign(), 64);
  }

  schnorrVerify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
    this.#put(THEIRS, signature, 64);
    this.#put(MESSAGE, message, 32);
    this.#put(PUBLIC_KEY, publicKey, 32);
    // Nothing in here is secret.
    return this.#module.schnorr_verify() === 1;
  }

  #putSecret(secret: Uint8Array): void {
    if (!isSecretKey(secret)) throw new NoiseError('secret-key-invalid', 'a secret key is out of range');
    this.#io.set(secret, SECRET);
  }

  #put(at: number, bytes: Uint8Array, length: number): void {
    if (bytes.length !== length) throw new NoiseError('key-length', `${bytes.length} bytes where ${length} belong`);
    this.#io.set(bytes, at);
  }

  /** The result as an array of its own; the module forgets it and what led to it. */
  #take(done: number, length: number): Uint8Array | undefined {
    const result = done === 1 ? this.#io.slice(OUT, OUT + length) : undefined;
    this.#wipe();
    return result;
  }

  /** For operations that cannot fail with a valid secret. */
  #required(done: number, length: number): Uint8Array {
    const result = this.#take(done, length);
    if (result === undefined) throw new NoiseError('secp256k1-module', 'libsecp256k1 refused valid arguments');
    return result;
  }

  #wipe(): void {
    this.#io.fill(0);
    this.#stack.fill(0);
  }
}

/**
 * One instance serves all connections of a thread.
 * @param wasm the module's bytes. @throws NoiseError `secp256k1-module`: they are not the module that this file is for.
 */
export function wasmEc(wasm: Uint8Array<ArrayBuffer>, random: RandomBytes): EcBackend {
  let module: Secp256k1Module;
  try {
    module = new WebAssembly.Instance(new WebAssembly.Module(wasm)).exports as unknown as Secp256k1Module;
  } catch (error) {
    throw new NoiseError('secp256k1-module', `the module of libsecp256k1 does not load: ${String(error)}`);
  }
  if (typeof module.io !== 'function' || typeof module.randomize !== 'function') {
    throw new NoiseError('secp256k1-module', 'the module of libsecp256k1 has other functions');
  }
  return new WasmEc(module, random);
}
