// The key and certificate that handshakes use, from one of two places: made here from the authority's secret (one machine), or read
// from files that the holder of the authority writes. Either is renewed without touching a live connection: only later handshakes
// see the new one.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Certificate, certificateFault, decodeCertificate, signCertificate } from '@sluice/noise/certificate';
import { type EcBackend, generateKeyPair, type KeyPair, keyPairOf, type RandomBytes } from '@sluice/noise/ec';
import { type Clock, unixSeconds } from '@sluice/runtime/clock';
import { messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import { ServerError } from './errors.ts';

/** Clocks of peers are behind at times. */
const BACKDATED_SECONDS = 3_600;

export interface ServerIdentity {
  readonly staticKey: KeyPair;
  readonly certificate: Certificate;
}

/** Where handshakes get the present key and certificate from. */
export interface IdentitySource {
  current(): ServerIdentity;
  /** Called about once a minute. Never throws: what is there goes on while nothing better comes. */
  refresh(): void;
}

export interface IdentityModules {
  readonly ec: EcBackend;
  readonly random: RandomBytes;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A fresh static key of this process, certified by itself; the certificate is made anew when half of its time is over. */
export function selfCertified(
  authoritySecret: Uint8Array,
  validitySeconds: number,
  { ec, random, clock }: IdentityModules,
): IdentitySource {
  const staticKey = generateKeyPair(ec, random);
  const staticPublicKey = ec.xOnlyPublicKey(staticKey.secret);
  const certify = (now: number) =>
    signCertificate({
      ec,
      authoritySecret,
      staticPublicKey,
      validFrom: now - BACKDATED_SECONDS,
      notValidAfter: now + validitySeconds,
      random: random(32),
    });
  let certificate = certify(unixSeconds(clock));
  return {
    current: () => ({ staticKey, certificate }),
    refresh: () => {
      const now = unixSeconds(clock);
      if (certificate.notValidAfter - now < validitySeconds / 2) certificate = certify(now);
    },
  };
}

export interface CertificateFiles {
  /** Holds `static-key` (32 bytes) and `certificate` (74 bytes), both in hex. */
  readonly directory: string;
  /** 32 bytes; with it the certificate is checked before it is used. */
  readonly authorityKey?: Uint8Array;
}

/** @throws ServerError `server-no-certificate` when there is none that can be used at the start. */
export function certificateFromFiles(files: CertificateFiles, modules: IdentityModules): IdentitySource {
  let identity = readIdentity(files, modules);
  return {
    current: () => identity,
    refresh: () => {
      try {
        const last = identity;
        identity = readIdentity(files, modules);
        // A handshake is over within one call, so none has the old key still to use.
        last.staticKey.secret.fill(0);
      } catch (error) {
        modules.log.error(
          { reason: messageOf(error) },
          'the certificate could not be read again: the last one is used',
        );
      }
    },
  };
}

function readIdentity({ directory, authorityKey }: CertificateFiles, modules: IdentityModules): ServerIdentity {
  const { ec, random, clock } = modules;
  const secret = readHex(join(directory, 'static-key'), 32);
  try {
    const staticKey = keyPairOf(ec, secret, random);
    const certificate = decodeCertificate(readHex(join(directory, 'certificate'), 74)) as Certificate;
    const now = unixSeconds(clock);
    const fault =
      authorityKey === undefined
        ? expiry(certificate, now)
        : certificateFault(certificate, { ec, authorityKey, staticPublicKey: ec.xOnlyPublicKey(secret), now });
    if (fault !== undefined) throw new ServerError('server-no-certificate', `${directory}: ${fault}`);
    return { staticKey, certificate };
  } catch (error) {
    secret.fill(0);
    throw error;
  }
}

function expiry({ validFrom, notValidAfter }: Certificate, now: number): string | undefined {
  if (now < validFrom) return 'certificate-not-yet-valid';
  return now > notValidAfter ? 'certificate-expired' : undefined;
}

/** @throws ServerError that names the file and never its content. */
function readHex(path: string, length: number): Uint8Array {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new ServerError('server-no-certificate', messageOf(error));
  }
  if (!/^[\da-f]*$/i.test(text) || text.length !== 2 * length)
    throw new ServerError('server-no-certificate', `${path} does not hold ${length} bytes in hex`);
  // Memory of its own: a buffer from Node's pool would stay there when the key is zeroed.
  const bytes = new Uint8Array(length);
  Buffer.from(bytes.buffer).write(text, 'hex');
  return bytes;
}
