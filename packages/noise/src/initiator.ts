// The client's side of the handshake [sv2 4.5], with the check of the server's certificate.
import type { AeadBackend } from './aead.ts';
import { certificateFault, decodeCertificate } from './certificate.ts';
import { type EcBackend, generateKeyPair, type KeyPair, type RandomBytes } from './ec.ts';
import { failure, NoiseError, type NoiseFailure } from './errors.ts';
import { ACT_2_LENGTH } from './responder.ts';
import { SymmetricState } from './symmetric-state.ts';
import { NoiseReader, type NoiseTransport, NoiseWriter, type PayloadLimit } from './transport.ts';

/** What a client knows before it connects. */
export interface InitiatorOptions {
  readonly ec: EcBackend;
  readonly aead: AeadBackend;
  /** 32 bytes, x-only. Without it any server is trusted: on a local network only. */
  readonly authorityKey?: Uint8Array;
  readonly random: RandomBytes;
  /** Unix seconds now. */
  readonly now: number;
  readonly maxPayload: PayloadLimit;
}

/** The transport of the connection, or why there is none. */
export type InitiatorResult = { readonly ok: true; readonly transport: NoiseTransport } | NoiseFailure;

/** For one connection: `act1`, then `readAct2`, each once; `destroy` when the second act does not come. */
export class NoiseInitiator {
  readonly #options: InitiatorOptions;
  readonly #state: SymmetricState;
  readonly #ephemeral: KeyPair;
  #next: 'act1' | 'readAct2' | undefined = 'act1';

  constructor(options: InitiatorOptions) {
    this.#options = options;
    this.#state = new SymmetricState(options.aead);
    this.#ephemeral = generateKeyPair(options.ec, options.random);
  }

  /** The 64 bytes that open the connection. @throws NoiseError `handshake-order`. */
  act1(): Uint8Array {
    this.#expect('act1');
    this.#next = 'readAct2';
    this.#state.mixHash(this.#ephemeral.ellswift);
    this.#state.mixHash(new Uint8Array(0));
    return this.#ephemeral.ellswift;
  }

  /** Reads the server's 234 bytes; the initiator is destroyed before this returns. @throws NoiseError `handshake-order`. */
  readAct2(act2: Uint8Array): InitiatorResult {
    this.#expect('readAct2');
    try {
      return this.#finish(act2);
    } finally {
      this.destroy();
    }
  }

  /** Zeroes the ephemeral secret and the chaining key; a second time nothing happens. */
  destroy(): void {
    this.#next = undefined;
    this.#ephemeral.secret.fill(0);
    this.#state.destroy();
  }

  #expect(act: 'act1' | 'readAct2'): void {
    if (this.#next !== act) throw new NoiseError('handshake-order', `${act} is not what comes next in this handshake`);
  }

  #finish(act2: Uint8Array): InitiatorResult {
    if (act2.length !== ACT_2_LENGTH) return failure('act-length');
    const { maxPayload } = this.#options;
    const state = this.#state;
    const theirEphemeral = act2.slice(0, 64);
    state.mixHash(theirEphemeral);
    this.#mixKeyWith(theirEphemeral);
    const theirStatic = state.decryptAndHash(act2.subarray(64, 144));
    if (theirStatic === undefined) return failure('decryption-failed');
    this.#mixKeyWith(theirStatic);
    const certificate = state.decryptAndHash(act2.subarray(144));
    if (certificate === undefined) return failure('decryption-failed');
    const fault = this.#distrust(theirStatic, certificate);
    if (fault !== undefined) return fault;
    const { initiatorToResponder, responderToInitiator } = state.split();
    const transport = {
      writer: new NoiseWriter(initiatorToResponder),
      reader: new NoiseReader(responderToInitiator, maxPayload),
    };
    return { ok: true, transport };
  }

  #mixKeyWith(theirs: Uint8Array): void {
    const { secret, ellswift } = this.#ephemeral;
    this.#state.mixKey(this.#options.ec.ellswiftXdh(secret, ellswift, theirs, true));
  }

  #distrust(theirStatic: Uint8Array, bytes: Uint8Array): NoiseFailure | undefined {
    const { ec, authorityKey, now } = this.#options;
    if (authorityKey === undefined) return undefined;
    const certificate = decodeCertificate(bytes);
    if (certificate === undefined) return failure('certificate-untrusted');
    const staticPublicKey = ec.ellswiftDecode(theirStatic);
    const fault = certificateFault(certificate, { ec, authorityKey, staticPublicKey, now });
    return fault === undefined ? undefined : failure(fault);
  }
}
