// Sealing and opening a submit (24 bytes), news of a tip (48) and a job (1,500), bare and as a frame: both AEADs, and the library of the fast one by its own
// functions. And frames that were read together. Equal before they are timed.
import { deepStrictEqual, strictEqual } from 'node:assert';
import { ChaCha20Poly1305, newInstance } from '@chainsafe/as-chacha20poly1305';
import { bench, do_not_optimize, group, run } from 'mitata';
import { type AeadBackend, TAG_LENGTH } from '../src/aead.ts';
import { CipherState } from '../src/cipher-state.ts';
import { nobleAead } from '../src/noble-aead.ts';
import { NoiseReader, NoiseWriter } from '../src/transport.ts';
import { wasmAead } from '../src/wasm-aead.ts';

const library = new ChaCha20Poly1305(newInstance());
const libraryAead: AeadBackend = {
  name: 'as-chacha20poly1305 by its own functions',
  seal(key, nonce, _ad, plain, at, length, out, outAt) {
    const sealed = out.subarray(outAt, outAt + length + TAG_LENGTH);
    library.seal(key, nonce, plain.subarray(at, at + length), undefined, sealed);
  },
  open(key, nonce, _ad, sealed, at, length, out, outAt) {
    const plain = out.subarray(outAt, outAt + length);
    return library.open(key, nonce, sealed.subarray(at, at + length + TAG_LENGTH), undefined, plain) !== null;
  },
  forget: () => undefined,
};
const aeads: readonly AeadBackend[] = [nobleAead, libraryAead, wasmAead()];
const key = Uint8Array.from({ length: 32 }, (_, index) => index * 7);
const nonce = new Uint8Array(12);
const ad = new Uint8Array(0);

for (const length of [24, 48, 1_500]) {
  const plain = Uint8Array.from({ length }, (_, index) => (index * 31) & 0xff);
  const sealed = aeads.map((aead) => {
    const out = new Uint8Array(length + TAG_LENGTH);
    aead.seal(key, nonce, ad, plain, 0, length, out, 0);
    const opened = new Uint8Array(length);
    strictEqual(aead.open(key, nonce, ad, out, 0, length, opened, 0), true);
    deepStrictEqual(opened, plain);
    return out;
  });
  for (const other of sealed) deepStrictEqual(other, sealed[0]);
  const out = new Uint8Array(length + TAG_LENGTH);
  group(`seal ${length} bytes`, () => {
    for (const aead of aeads) bench(aead.name, () => aead.seal(key, nonce, ad, plain, 0, length, out, 0));
  });
  group(`open ${length} bytes`, () => {
    for (const aead of aeads) {
      bench(aead.name, () => do_not_optimize(aead.open(key, nonce, ad, sealed[0]!, 0, length, out, 0)));
    }
  });
  group(`frame of ${length} bytes, sealed and read`, () => {
    const frame = new Uint8Array(6 + length);
    frame[3] = length & 0xff;
    frame[4] = length >> 8;
    frame.set(plain, 6);
    for (const aead of aeads) {
      const writer = new NoiseWriter(new CipherState(aead, key.slice()));
      const reader = new NoiseReader(new CipherState(aead, key.slice()), () => 2_000);
      const wire = new Uint8Array(writer.sealedLength(frame.length));
      let read = 0;
      bench(aead.name, () => {
        writer.seal(frame, wire, 0);
        strictEqual(
          reader.push(wire, (_extension, _type, payload) => {
            read += payload.length;
          }),
          undefined,
        );
        return do_not_optimize(read);
      });
    }
  });
}

// As a gateway reads shares: what has come on a socket at once, sealed and read; only the reading differs.
const FRAMES = 100;
const frame = new Uint8Array(30);
frame[3] = frame.length - 6;
group(`${FRAMES} frames of ${frame.length} bytes, sealed, and read`, () => {
  const writer = new NoiseWriter(new CipherState(wasmAead(), key.slice()));
  const reader = new NoiseReader(new CipherState(wasmAead(), key.slice()), () => 2_000);
  const sealedLength = writer.sealedLength(frame.length);
  const wire = new Uint8Array(FRAMES * sealedLength);
  const sealAll = () => {
    for (let at = 0; at < wire.length; at += sealedLength) writer.seal(frame, wire, at);
  };
  let read = 0;
  const onFrame = () => {
    read += 1;
  };
  const together = () => {
    sealAll();
    strictEqual(reader.push(wire, onFrame), undefined);
  };
  const oneByOne = () => {
    sealAll();
    for (let at = 0; at < wire.length; at += sealedLength)
      strictEqual(reader.push(wire.subarray(at, at + sealedLength), onFrame), undefined);
  };
  for (const way of [together, oneByOne]) {
    read = 0;
    way();
    strictEqual(read, FRAMES);
  }
  bench('in one piece', together);
  bench('one by one', oneByOne);
});
if (!process.argv.includes('--check')) await run();
