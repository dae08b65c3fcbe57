// The static key of a fleet and its certificate, as they stand in the Secret that its pods mount.
import { decodeAuthorityPublicKey } from '@sluice/noise/authority-key';
import {
  type Certificate,
  certificateFault,
  decodeCertificate,
  encodeCertificate,
  signCertificate,
} from '@sluice/noise/certificate';
import { type EcBackend, generateSecret, isSecretKey, type RandomBytes } from '@sluice/noise/ec';
import type { AuthorityKey } from './authority-secret.ts';

/** Clocks of miners are behind at times. */
const BACKDATED_SECONDS = 3_600;

/** Entries of the Secret, by the names of the files that services read. */
export interface NoiseData {
  /** 32 bytes; both are base64 of hexadecimal text. */
  readonly 'static-key': string;
  /** 74 bytes. */
  readonly certificate: string;
}

export interface IssueOptions {
  readonly ec: EcBackend;
  readonly authority: AuthorityKey;
  readonly validitySeconds: number;
  /** Unix seconds. */
  readonly now: number;
  readonly random: RandomBytes;
}

/** A fresh static key, certified. */
export function issueCertificate({ ec, authority, validitySeconds, now, random }: IssueOptions): NoiseData {
  const staticKey = generateSecret(random);
  try {
    const certificate = signCertificate({
      ...{ ec, authoritySecret: authority.secret, staticPublicKey: ec.xOnlyPublicKey(staticKey) },
      ...{ validFrom: now - BACKDATED_SECONDS, notValidAfter: now + validitySeconds, random: random(32) },
    });
    return { 'static-key': entryOf(staticKey), certificate: entryOf(encodeCertificate(certificate)) };
  } finally {
    staticKey.fill(0);
  }
}

/** What is to be known of a certificate that there is. */
export interface KnownCertificate {
  /** Unix seconds. */
  readonly notValidAfter: number;
  /** Whether servers can use it under the authority. */
  readonly isValid: boolean;
}

export interface KnownOptions {
  readonly ec: EcBackend;
  /** In base58check. */
  readonly authorityPublicKey: string;
  /** Unix seconds. */
  readonly now: number;
}

/** Undefined where there is none. */
export function knownCertificate(
  data: Readonly<Record<string, string>>,
  { ec, authorityPublicKey, now }: KnownOptions,
): KnownCertificate | undefined {
  const staticKey = bytesOf(data['static-key']);
  const certificate: Certificate | undefined = decodeCertificate(bytesOf(data.certificate));
  const authorityKey = decodeAuthorityPublicKey(authorityPublicKey);
  if (!isSecretKey(staticKey) || certificate === undefined || authorityKey === undefined) return undefined;
  const staticPublicKey = ec.xOnlyPublicKey(staticKey);
  staticKey.fill(0);
  const isValid = certificateFault(certificate, { ec, authorityKey, staticPublicKey, now }) === undefined;
  return { notValidAfter: certificate.notValidAfter, isValid };
}

const entryOf = (bytes: Uint8Array) => Buffer.from(Buffer.from(bytes).toString('hex')).toString('base64');

const bytesOf = (entry = '') => {
  const text = Buffer.from(entry, 'base64').toString().trim();
  return Uint8Array.from(/^([\da-f]{2})*$/i.test(text) ? Buffer.from(text, 'hex') : []);
};
