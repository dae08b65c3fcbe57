// The fast curve: libsecp256k1 as a WebAssembly module, which scripts/build-secp256k1.ts makes. Every operation on a secret is
// constant-time, the context is blinded, and what a call leaves in the module's memory is zeroed before it returns or throws.
import { instantiate, type MemoryExport } from '@sluice/wasm-writer/instantiate';
import { type EcBackend, type RandomBytes, requireLength, requireSecretKey } from './ec.ts';
import { NoiseError } from './errors.ts';

/** The module's functions take no parameters: arguments and results stand in one struct, see scripts/secp256k1/module.c. */
interface Secp256k1Module extends MemoryExport {
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

const FUNCTIONS = [
  ...(['io', 'randomize', 'ellswift_create', 'ellswift_xdh_initiator', 'ellswift_xdh_responder'] as const),
  ...(['ellswift_decode', 'x_only_public_key', 'schnorr_sign', 'schnorr_verify'] as const),
] satisfies readonly (keyof Secp256k1Module)[];

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
    let blinded = 0;
    try {
      this.#io.set(seed, RANDOM);
      blinded = module.randomize();
    } finally {
      seed.fill(0);
      this.#wipe();
    }
    if (blinded !== 1) throw new NoiseError('secp256k1-module', 'libsecp256k1 made no context');
  }

  ellswiftCreate(secret: Uint8Array, random: Uint8Array): Uint8Array {
    requireSecretKey(secret);
    requireLength(random, 32);
    return this.#call(64, () => {
      this.#io.set(random, RANDOM);
      this.#io.set(secret, SECRET);
      return this.#module.ellswift_create();
    });
  }

  ellswiftXdh(secret: Uint8Array, ours: Uint8Array, theirs: Uint8Array, initiator: boolean): Uint8Array {
    requireSecretKey(secret);
    requireLength(ours, 64);
    requireLength(theirs, 64);
    return this.#call(32, () => {
      this.#io.set(ours, OURS);
      this.#io.set(theirs, THEIRS);
      this.#io.set(secret, SECRET);
      return initiator ? this.#module.ellswift_xdh_initiator() : this.#module.ellswift_xdh_responder();
    });
  }

  ellswiftDecode(encoded: Uint8Array): Uint8Array {
    requireLength(encoded, 64);
    return this.#call(32, () => {
      this.#io.set(encoded, THEIRS);
      return this.#module.ellswift_decode();
    });
  }

  xOnlyPublicKey(secret: Uint8Array): Uint8Array {
    requireSecretKey(secret);
    return this.#call(32, () => {
      this.#io.set(secret, SECRET);
      return this.#module.x_only_public_key();
    });
  }

  schnorrSign(message: Uint8Array, secret: Uint8Array, random: Uint8Array): Uint8Array {
    requireSecretKey(secret);
    requireLength(message, 32);
    requireLength(random, 32);
    return this.#call(64, () => {
      this.#io.set(message, MESSAGE);
      this.#io.set(random, RANDOM);
      this.#io.set(secret, SECRET);
      return this.#module.schnorr_sign();
    });
  }

  schnorrVerify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
    requireLength(signature, 64);
    requireLength(message, 32);
    requireLength(publicKey, 32);
    this.#io.set(signature, THEIRS);
    this.#io.set(message, MESSAGE);
    this.#io.set(publicKey, PUBLIC_KEY);
    // Nothing in here is secret.
    return this.#module.schnorr_verify() === 1;
  }

  /** The result as an array of its own. However the call ends, the module forgets it and what led to it. */
  #call(length: number, call: () => number): Uint8Array {
    try {
      if (call() === 1) return this.#io.slice(OUT, OUT + length);
    } finally {
      this.#wipe();
    }
    throw new NoiseError('secp256k1-module', 'libsecp256k1 refused valid arguments');
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
    module = instantiate<Secp256k1Module>(wasm);
  } catch (error) {
    throw new NoiseError('secp256k1-module', `the module of libsecp256k1 does not load: ${String(error)}`);
  }
  if (module.memory?.buffer === undefined || FUNCTIONS.some((name) => typeof module[name] !== 'function')) {
    throw new NoiseError('secp256k1-module', 'the module of libsecp256k1 has other functions');
  }
  return new WasmEc(module, random);
}
