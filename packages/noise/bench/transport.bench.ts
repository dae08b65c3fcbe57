// Sealing and opening a submit (24 bytes) and a job (1,500 bytes), bare and as a frame; both AEADs, equal before they are timed.
import { deepStrictEqual, strictEqual } from 'node:assert';
import { bench, do_not_optimize, group, run } from 'mitata';
import { type AeadBackend, TAG_LENGTH } from '../src/aead.ts';
import { CipherState } from '../src/cipher-state.ts';
import { nobleAead } from '../src/noble-aead.ts';
import { NoiseReader, NoiseWriter } from '../src/transport.ts';
import { wasmAead } from '../src/wasm-aead.ts';

const aeads: readonly AeadBackend[] = [nobleAead, wasmAead()];
const key = Uint8Array.from({ length: 32 }, (_, index) => index * 7);
const nonce = new Uint8Array(12);
const ad = new Uint8Array(0);

for (const length of [24, 1_500]) {
  const plain = Uint8Array.from({ length }, (_, index) => (index * 31) & 0xff);
  const sealed = aeads.map((aead) => {
    const out = new Uint8Array(length + TAG_LENGTH);
    aead.seal(key, nonce, ad, plain, 0, length, out, 0);
    const opened = new Uint8Array(length);
    strictEqual(aead.open(key, nonce, ad, out, 0, length, opened, 0), true);
    deepStrictEqual(opened, plain);
    return out;
  });
  deepStrictEqual(sealed[1], sealed[0]);
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
if (!process.argv.includes('--check')) await run();
