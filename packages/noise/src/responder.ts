// The server's side of the handshake [sv2 4.5]: one message in, one message out.
import type { AeadBackend } from './aead.ts';
import { type Certificate, encodeCertificate } from './certificate.ts';
import { type EcBackend, generateKeyPair, type KeyPair, type RandomBytes } from './ec.ts';
import { failure, type NoiseFailure } from './errors.ts';
import { SymmetricState } from './symmetric-state.ts';
import { NoiseReader, type NoiseTransport, NoiseWriter, type PayloadLimit } from './transport.ts';

/** Bytes of the initiator's ephemeral key. */
export const ACT_1_LENGTH = 64;
/** Ephemeral key, sealed static key, sealed certificate. */
export const ACT_2_LENGTH = 64 + 80 + 90;

/** What a server answers a handshake with. */
export interface ResponderOptions {
  readonly ec: EcBackend;
  readonly aead: AeadBackend;
  /** The server's own key; stays the caller's. */
  readonly staticKey: KeyPair;
  /** For that key; renewed by giving later responders another one. */
  readonly certificate: Certificate;
  readonly random: RandomBytes;
  /** An ephemeral pair made ahead of time; used once. */
  readonly ephemeral?: () => KeyPair;
  readonly maxPayload: PayloadLimit;
}

/** The answer and the transport of the connection, or why there is none. */
export type ResponderResult =
  | { readonly ok: true; readonly act2: Uint8Array; readonly transport: NoiseTransport }
  | NoiseFailure;

/** For one connection. */
export class NoiseResponder {
  readonly #options: ResponderOptions;

  constructor(options: ResponderOptions) {
    this.#options = options;
  }

  /** Answers the initiator's 64 bytes. The ephemeral secret is zeroed before this returns. */
  readAct1(act1: Uint8Array): ResponderResult {
    if (act1.length !== ACT_1_LENGTH) return failure('act-length');
    const { ec, aead, random, ephemeral } = this.#options;
    const state = new SymmetricState(aead);
    // What later handshakes hash must not change when the caller uses its buffer again.
    const theirs = Uint8Array.from(act1);
    state.mixHash(theirs);
    state.mixHash(new Uint8Array(0));
    const own = ephemeral?.() ?? generateKeyPair(ec, random);
    try {
      return this.#answer(state, theirs, own);
    } finally {
      own.secret.fill(0);
      state.destroy();
    }
  }

  #answer(state: SymmetricState, theirs: Uint8Array, own: KeyPair): ResponderResult {
    const { ec, staticKey, certificate, maxPayload } = this.#options;
    const act2 = new Uint8Array(ACT_2_LENGTH);
    act2.set(own.ellswift);
    state.mixHash(own.ellswift);
    state.mixKey(ec.ellswiftXdh(own.secret, own.ellswift, theirs, false));
    act2.set(state.encryptAndHash(staticKey.ellswift), 64);
    state.mixKey(ec.ellswiftXdh(staticKey.secret, staticKey.ellswift, theirs, false));
    act2.set(state.encryptAndHash(encodeCertificate(certificate)), 144);
    const { initiatorToResponder, responderToInitiator } = state.split();
    const transport = {
      reader: new NoiseReader(initiatorToResponder, maxPayload),
      writer: new NoiseWriter(responderToInitiator),
    };
    return { ok: true, act2, transport };
  }
}
