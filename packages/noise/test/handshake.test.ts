// The whole handshake against the one that the reference implementation made with the same secrets, and every way to spoil it.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AeadBackend } from '../src/aead.ts';
import { type Certificate, encodeCertificate, signCertificate } from '../src/certificate.ts';
import type { EcBackend, KeyPair } from '../src/ec.ts';
import { NoiseInitiator } from '../src/initiator.ts';
import { nobleAead } from '../src/noble-aead.ts';
import { nobleEc } from '../src/noble-ec.ts';
import { NoiseResponder } from '../src/responder.ts';
import type { NoiseTransport } from '../src/transport.ts';
import { aeadBackends, ecBackends } from './backends.ts';

interface SealedFrame {
  readonly payloadLength: number;
  readonly sealed: string | null;
  readonly sealedSha256: string;
}

const vector = JSON.parse(readFileSync(join(import.meta.dirname, '../../../test/vectors/sri-noise.json'), 'utf8')) as {
  readonly act1: string;
  readonly act2: string;
  readonly authorityPublicKey: string;
  readonly encodings: Record<'initiatorEphemeral' | 'responderEphemeral' | 'responderStatic', string>;
  readonly secrets: Record<
    'authority' | 'initiatorEphemeral' | 'responderEphemeral' | 'responderStatic' | 'signatureAuxiliary',
    string
  >;
  readonly now: number;

  readonly notValidAfter: number;
  readonly frameMessageType: number;
  readonly initiatorToResponder: readonly SealedFrame[];
  readonly responderToInitiator: readonly SealedFrame[];
};

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const pair = (name: 'initiatorEphemeral' | 'responderEphemeral' | 'responderStatic'): KeyPair => ({
  secret: hex(vector.secrets[name]),
  ellswift: hex(vector.encodings[name]),
});
const anyPayload = () => 0xff_ffff;

interface Changes {
  readonly certificate?: Certificate;
  readonly authorityKey?: Uint8Array | undefined;
  readonly now?: number;
}

/** A curve that hands out the vector's ephemeral key: the reference implementation drew its encoding at random. */
const withEphemeral = (ec: EcBackend, ellswift: Uint8Array): EcBackend => ({
  ...bound(ec),
  ellswiftCreate: () => ellswift,
});

function bound(ec: EcBackend): EcBackend {
  return {
    name: ec.name,
    ellswiftCreate: (secret, random) => ec.ellswiftCreate(secret, random),
    ellswiftXdh: (secret, ours, theirs, initiator) => ec.ellswiftXdh(secret, ours, theirs, initiator),
    ellswiftDecode: (encoded) => ec.ellswiftDecode(encoded),
    xOnlyPublicKey: (secret) => ec.xOnlyPublicKey(secret),
    schnorrSign: (message, secret, random) => ec.schnorrSign(message, secret, random),
    schnorrVerify: (signature, message, key) => ec.schnorrVerify(signature, message, key),
  };
}

function certificate(ec: EcBackend, validFrom = vector.now, notValidAfter = vector.notValidAfter): Certificate {
  return signCertificate({
    ec,
    authoritySecret: hex(vector.secrets.authority),
    staticPublicKey: ec.xOnlyPublicKey(hex(vector.secrets.responderStatic)),
    validFrom,
    notValidAfter,
    random: hex(vector.secrets.signatureAuxiliary),
  });
}

function responder(ec: EcBackend, aead: AeadBackend, changes: Changes = {}): NoiseResponder {
  return new NoiseResponder({
    ec,
    aead,
    staticKey: pair('responderStatic'),
    certificate: changes.certificate ?? certificate(ec),
    random: () => new Uint8Array(32),
    ephemeral: () => pair('responderEphemeral'),
    maxPayload: anyPayload,
  });
}

function initiator(ec: EcBackend, aead: AeadBackend, changes: Changes = {}): NoiseInitiator {
  const authorityKey = 'authorityKey' in changes ? changes.authorityKey : hex(vector.authorityPublicKey);
  return new NoiseInitiator({
    ec: withEphemeral(ec, hex(vector.encodings.initiatorEphemeral)),
    aead,
    ...(authorityKey === undefined ? {} : { authorityKey }),
    random: () => hex(vector.secrets.initiatorEphemeral),
    now: changes.now ?? vector.now,
    maxPayload: anyPayload,
  });
}

function transports(ec: EcBackend, aead: AeadBackend): { client: NoiseTransport; server: NoiseTransport } {
  const client = initiator(ec, aead);
  const answer = responder(ec, aead).readAct1(client.act1());
  if (!answer.ok) throw new Error(answer.code);
  const finished = client.readAct2(answer.act2);
  if (!finished.ok) throw new Error(finished.code);
  return { client: finished.transport, server: answer.transport };
}

function frame(payloadLength: number): Uint8Array {
  const bytes = new Uint8Array(6 + payloadLength);
  bytes[2] = vector.frameMessageType;
  bytes[3] = payloadLength & 0xff;
  bytes[4] = (payloadLength >> 8) & 0xff;
  bytes[5] = payloadLength >> 16;
  for (let i = 0; i < payloadLength; i++) bytes[6 + i] = i & 0xff;
  return bytes;
}

const combinations = ecBackends.flatMap((ec) =>
  aeadBackends.map((aead) => ({ ec, aead, name: `${ec.name} and ${aead.name}` })),
);

describe.each(combinations)('handshake on $name', ({ ec, aead }) => {
  it('equals that of the reference implementation, byte for byte', () => {
    const client = initiator(ec, aead);
    const act1 = client.act1();
    expect(toHex(act1)).toBe(vector.act1);
    const answer = responder(ec, aead).readAct1(act1);
    if (!answer.ok) throw new Error(answer.code);
    expect(toHex(answer.act2)).toBe(vector.act2);
    expect(client.readAct2(answer.act2).ok).toBe(true);
  });

  it('ends with ciphers that seal as those of the reference implementation, both ways', () => {
    const { client, server } = transports(ec, aead);
    const ways = [
      [client, server, vector.initiatorToResponder],
      [server, client, vector.responderToInitiator],
    ] as const;
    for (const [from, to, frames] of ways) {
      for (const { payloadLength, sealed, sealedSha256 } of frames) {
        const plain = frame(payloadLength);
        const out = new Uint8Array(from.writer.sealedLength(plain.length));
        expect(from.writer.seal(plain, out, 0)).toBe(out.length);
        if (sealed !== null) expect(toHex(out.subarray(0, sealed.length / 2))).toBe(sealed);
        expect(createHash('sha256').update(out).digest('hex')).toBe(sealedSha256);
        const read: Uint8Array[] = [];
        expect(to.reader.push(out, (_extension, _type, payload) => read.push(payload.slice()))).toBeUndefined();
        expect(read.map(toHex)).toEqual([toHex(plain.subarray(6))]);
      }
    }
  });
});

describe('handshake', () => {
  const act1 = () => initiator(nobleEc, nobleAead).act1();

  function fails(changes: Changes, act2 = responder(nobleEc, nobleAead, changes).readAct1(act1())): unknown {
    const client = initiator(nobleEc, nobleAead, changes);
    client.act1();
    if (!act2.ok) throw new Error(act2.code);
    const result = client.readAct2(act2.act2);
    return result.ok ? undefined : result.code;
  }

  it('fails on any changed part of the second message', () => {
    const answer = responder(nobleEc, nobleAead).readAct1(act1());
    if (!answer.ok) throw new Error(answer.code);
    for (const at of [0, 63, 64, 127, 143, 144, 217, 233]) {
      const act2 = answer.act2.slice();
      act2[at]! ^= 1;
      expect([at, fails({}, { ...answer, act2 })]).toEqual([at, 'decryption-failed']);
    }
  });

  it('fails on messages of another length', () => {
    expect(responder(nobleEc, nobleAead).readAct1(new Uint8Array(63))).toEqual({ ok: false, code: 'act-length' });
    const client = initiator(nobleEc, nobleAead);
    client.act1();
    expect(client.readAct2(new Uint8Array(235))).toEqual({ ok: false, code: 'act-length' });
  });

  it('answers any 64 bytes: each encodes a key', () => {
    for (const byte of [0, 0xff, 0x55])
      expect(responder(nobleEc, nobleAead).readAct1(new Uint8Array(64).fill(byte)).ok).toBe(true);
  });

  it('trusts a certificate in its time only, with ten seconds for clocks that differ', () => {
    const { now: validFrom, notValidAfter } = vector;
    expect(fails({ now: validFrom - 10 })).toBeUndefined();
    expect(fails({ now: validFrom - 11 })).toBe('certificate-not-yet-valid');
    expect(fails({ now: notValidAfter + 10 })).toBeUndefined();
    expect(fails({ now: notValidAfter + 11 })).toBe('certificate-expired');
  });

  it('trusts its own authority only', () => {
    const stranger = nobleEc.xOnlyPublicKey(new Uint8Array(32).fill(9));
    expect(fails({ authorityKey: stranger })).toBe('certificate-untrusted');
    expect(fails({ authorityKey: undefined })).toBeUndefined();
  });

  it('trusts no certificate of another key, time or version', () => {
    const good = certificate(nobleEc);
    expect(fails({ certificate: { ...good, notValidAfter: good.notValidAfter + 1 } })).toBe('certificate-untrusted');
    expect(fails({ certificate: { ...good, version: 1 } })).toBe('certificate-version');
    const options = {
      ec: nobleEc,
      authoritySecret: hex(vector.secrets.authority),
      validFrom: 0,
      notValidAfter: 2 ** 32 - 1,
    };
    const other = nobleEc.xOnlyPublicKey(new Uint8Array(32).fill(8));
    const forged = signCertificate({ ...options, staticPublicKey: other, random: new Uint8Array(32) });
    expect(fails({ certificate: forged })).toBe('certificate-untrusted');
  });

  it('takes each act of the initiator once, in order', () => {
    const code = expect.objectContaining({ code: 'handshake-order' });
    const act2 = new Uint8Array(234);
    const client = initiator(nobleEc, nobleAead);
    expect(() => client.readAct2(act2)).toThrow(code);
    client.act1();
    expect(() => client.act1()).toThrow(code);
    expect(client.readAct2(act2).ok).toBe(false);
    expect(() => client.readAct2(act2)).toThrow(code);
    const abandoned = initiator(nobleEc, nobleAead);
    abandoned.destroy();
    abandoned.destroy();
    expect(() => abandoned.act1()).toThrow(code);
  });

  it('zeroes the ephemeral secret of an initiator that gets no answer', () => {
    const secret = hex(vector.secrets.initiatorEphemeral);
    const client = new NoiseInitiator({
      ...{ ec: nobleEc, aead: nobleAead, now: vector.now, maxPayload: anyPayload },
      random: () => secret,
    });
    client.act1();
    client.destroy();
    expect(secret).toEqual(new Uint8Array(32));
  });

  it('signs no certificate whose times do not fit their fields, or run backwards', () => {
    const code = expect.objectContaining({ code: 'certificate-times' });
    for (const [from, to] of [
      [-1, 1],
      [0, 2 ** 32],
      [0.5, 1],
      [0, Number.NaN],
      [2, 1],
    ] as const)
      expect(() => certificate(nobleEc, from, to)).toThrow(code);
    expect(() => encodeCertificate({ ...certificate(nobleEc), validFrom: 2 ** 32 })).toThrow(code);
    expect(certificate(nobleEc, 2 ** 32 - 1, 2 ** 32 - 1).notValidAfter).toBe(2 ** 32 - 1);
  });

  it('finds a received certificate that ends before it begins out of its time', () => {
    const good = certificate(nobleEc);
    const backwards = { ...good, validFrom: vector.now + 9, notValidAfter: vector.now - 9 };
    expect(fails({ certificate: backwards })).toBe('certificate-untrusted');
  });

  it('zeroes the ephemeral secret', () => {
    const ephemeral = pair('responderEphemeral');
    const options = { ec: nobleEc, aead: nobleAead, certificate: certificate(nobleEc), maxPayload: anyPayload };
    const random = () => new Uint8Array(32);
    new NoiseResponder({ ...options, staticKey: pair('responderStatic'), random, ephemeral: () => ephemeral }).readAct1(
      act1(),
    );
    expect(ephemeral.secret).toEqual(new Uint8Array(32));
  });
});
