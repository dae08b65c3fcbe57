// The key and certificate that handshakes use, from one of two places: made here from the authority's secret (one machine), or read
// from files that the holder of the authority writes (certificate-files.ts). Either is renewed without touching a live connection: only later handshakes
// see the new one.
import { type Certificate, signCertificate } from '@sluice/noise/certificate';
import { type EcBackend, generateKeyPair, type KeyPair, type RandomBytes } from '@sluice/noise/ec';
import { type Clock, unixSeconds } from '@sluice/runtime/clock';
import type { Logger } from '@sluice/runtime/logger';

/** Clocks of peers are behind at times. */
const BACKDATED_SECONDS = 3_600;

export interface ServerIdentity {
  readonly staticKey: KeyPair;
  readonly certificate: Certificate;
}

/** Where handshakes get the present key and certificate from. */
export interface IdentitySource {
  current(): ServerIdentity;
  /** Called about once a second. Never throws: what is there goes on while nothing better comes. */
  refresh(): void;
  /** Times that a new certificate could not be used. */
  readonly faults: number;
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
    faults: 0,
    current: () => ({ staticKey, certificate }),
    refresh: () => {
      const now = unixSeconds(clock);
      if (certificate.notValidAfter - now < validitySeconds / 2) certificate = certify(now);
    },
  };
}
