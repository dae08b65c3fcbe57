// The reference curve: noble, and ElligatorSwift by scure. Bigint arithmetic: readable, slower, and not constant-time.
import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { elligatorSwift } from '@scure/btc-signer/p2p.js';
import { type EcBackend, isSecretKey } from './ec.ts';
import { NoiseError } from './errors.ts';

const Fp = secp256k1.Point.Fp;

export const nobleEc: EcBackend = {
  name: 'noble',

  ellswiftCreate(secret, random) {
    const x = Fp.fromBytes(nobleEc.xOnlyPublicKey(secret));
    // The encoding of BIP324: draw u and one of eight cases until they have a t. What is drawn follows from `random`.
    for (let block = random; ; ) {
      block = sha256(block);
      const u = Fp.create(Fp.fromBytes(block, true));
      if (Fp.is0(u)) continue;
      const encodingCase = sha256(block)[0]! & 7;
      const t = elligatorSwift._inv(x, u, encodingCase);
      if (t === undefined || Fp.is0(t)) continue;
      const encoded = new Uint8Array(64);
      encoded.set(Fp.toBytes(u));
      encoded.set(Fp.toBytes(t), 32);
      return encoded;
    }
  },

  ellswiftXdh(secret, ours, theirs, initiator) {
    try {
      return elligatorSwift.getSharedSecretBip324(secret, theirs, ours, initiator);
    } catch {
      return undefined;
    }
  },

  ellswiftDecode: (encoded) => elligatorSwift.decode(encoded),

  xOnlyPublicKey(secret) {
    if (!isSecretKey(secret)) throw new NoiseError('secret-key-invalid', 'a secret key is out of range');
    return schnorr.getPublicKey(secret);
  },

  schnorrSign: (message, secret, random) => schnorr.sign(message, secret, random),

  schnorrVerify: (signature, message, publicKey) => schnorr.verify(signature, message, publicKey),
};
