// What a connection costs the server in cryptography, by both curves; results compared before anything is timed.
import { deepStrictEqual, strictEqual } from 'node:assert';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { randomBytes } from '@sluice/runtime/random';
import { findSecp256k1Wasm } from '@sluice/runtime/secp256k1-wasm';
import { bench, do_not_optimize, group, run } from 'mitata';
import { inCi } from '../../../test/support/in-ci.ts';
import { signCertificate } from '../src/certificate.ts';
import { type EcBackend, generateKeyPair, generateSecret } from '../src/ec.ts';
import { HandshakeHash } from '../src/handshake-hash.ts';
import { NoiseInitiator } from '../src/initiator.ts';
import { nobleEc } from '../src/noble-ec.ts';
import { NoiseResponder } from '../src/responder.ts';
import { wasmAead } from '../src/wasm-aead.ts';
import { wasmEc } from '../src/wasm-ec.ts';

const wasm = findSecp256k1Wasm();
if (wasm === undefined) {
  const missing = 'libsecp256k1 in WebAssembly is not built: npm run secp256k1';
  if (inCi) throw new Error(missing);
  console.log(missing);
}
const curves: readonly EcBackend[] = wasm === undefined ? [nobleEc] : [nobleEc, wasmEc(wasm, randomBytes)];
const aead = wasmAead();
const maxPayload = () => 1_000;
const now = 1_700_000_000;
const authoritySecret = generateSecret(randomBytes);
const authorityKey = nobleEc.xOnlyPublicKey(authoritySecret);
const staticKey = generateKeyPair(nobleEc, randomBytes);
const certificate = signCertificate({
  ec: nobleEc,
  authoritySecret,
  staticPublicKey: nobleEc.xOnlyPublicKey(staticKey.secret),
  validFrom: now,
  notValidAfter: now + 3600,
  random: randomBytes(32),
});
const act1 = generateKeyPair(nobleEc, randomBytes).ellswift;
const respond = (ec: EcBackend, random = randomBytes, ephemeral = generateKeyPair(nobleEc, random)) =>
  new NoiseResponder({
    ...{ ec, aead, staticKey, certificate, random, maxPayload },
    ephemeral: () => ({ ...ephemeral, secret: ephemeral.secret.slice() }),
  }).readAct1(act1);
const respondAnew = (ec: EcBackend) =>
  new NoiseResponder({ ec, aead, staticKey, certificate, random: randomBytes, maxPayload }).readAct1(act1);

const ephemeral = generateKeyPair(nobleEc, randomBytes);
const [reference, ...others] = curves.map((ec) => respond(ec, randomBytes, ephemeral));
for (const other of others) deepStrictEqual(other.ok && other.act2, reference?.ok && reference.act2);
for (const server of curves) {
  for (const client of curves) {
    const initiator = new NoiseInitiator({ ec: client, aead, authorityKey, random: randomBytes, now, maxPayload });
    const responder = new NoiseResponder({ ec: server, aead, staticKey, certificate, random: randomBytes, maxPayload });
    const answer = responder.readAct1(initiator.act1());
    strictEqual(answer.ok && initiator.readAct2(answer.act2).ok, true);
  }
}

group('responder handshake', () => {
  for (const ec of curves) bench(ec.name, () => do_not_optimize(respondAnew(ec)));
});
group('responder handshake, ephemeral key made ahead of time', () => {
  for (const ec of curves) bench(ec.name, () => do_not_optimize(respond(ec, randomBytes, ephemeral)));
});
group('ElligatorSwift key pair', () => {
  for (const ec of curves) bench(ec.name, () => do_not_optimize(generateKeyPair(ec, randomBytes)));
});
group('shared secret', () => {
  for (const ec of curves) {
    bench(ec.name, () => do_not_optimize(ec.ellswiftXdh(staticKey.secret, staticKey.ellswift, act1, false)));
  }
});
group('certificate verification', () => {
  const message = randomBytes(32);
  const signature = nobleEc.schnorrSign(message, authoritySecret, randomBytes(32));
  for (const ec of curves) {
    strictEqual(ec.schnorrVerify(signature, message, authorityKey), true);
    bench(ec.name, () => do_not_optimize(ec.schnorrVerify(signature, message, authorityKey)));
  }
});
group('key derivation', () => {
  const [salt, material] = [randomBytes(32), randomBytes(32)];
  const hashing = new HandshakeHash();
  const noble = () => hkdf(sha256, material, salt, new Uint8Array(0), 64);
  deepStrictEqual(Buffer.concat(hashing.hkdf2(salt, material)), Buffer.from(noble()));
  bench('noble', () => do_not_optimize(noble()));
  bench('as-sha256', () => do_not_optimize(hashing.hkdf2(salt, material)));
});
if (!process.argv.includes('--check')) await run();
