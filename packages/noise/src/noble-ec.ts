// The reference curve: noble, and ElligatorSwift by scure. Bigint arithmetic: readable, slower, and not constant-time, though its
// multiplication takes the same steps for every scalar.
import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { elligatorSwift } from '@scure/btc-signer/p2p.js';
import { type EcBackend, requireLength, requireSecretKey } from './ec.ts';

const Fp = secp256k1.Point.Fp;

/** The back end that needs no module. */
export const nobleEc: EcBackend = {
  name: 'noble',

  ellswiftCreate(secret, random) {
    requireLength(random, 32);
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
    requireSecretKey(secret);
    requireLength(ours, 64);
    requireLength(theirs, 64);
    return elligatorSwift.getSharedSecretBip324(secret, theirs, ours, initiator);
  },

  ellswiftDecode(encoded) {
    requireLength(encoded, 64);
    return elligatorSwift.decode(encoded);
  },

  xOnlyPublicKey(secret) {
    requireSecretKey(secret);
    return schnorr.getPublicKey(secret);
  },

  schnorrSign(message, secret, random) {
    requireSecretKey(secret);
    requireLength(message, 32);
    requireLength(random, 32);
    return schnorr.sign(message, secret, random);
  },

  schnorrVerify(signature, message, publicKey) {
    requireLength(signature, 64);
    requireLength(message, 32);
    requireLength(publicKey, 32);
    return schnorr.verify(signature, message, publicKey);
  },
};
