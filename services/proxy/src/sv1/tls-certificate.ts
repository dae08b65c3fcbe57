// The certificate by which miners know the TLS port, and its key, from files that somebody else writes and renews.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { type Clock, unixSeconds } from '@sluice/runtime/clock';
import { messageOf, systemReasonOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import { readSecretFile } from '@sluice/runtime/secret-file';
import { ServerError } from '@sluice/server/errors';
import { RenewedFiles } from '@sluice/server/renewed-files';

/** Paths of PEM files. */
export interface TlsFiles {
  /** The server's certificate first, those between it and its authority behind it. */
  readonly certificate: string;
  readonly key: string;
}

/** As Node's tls takes them. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
  readonly minVersion: 'TLSv1.2';
}

export interface TlsCertificateModules {
  readonly clock: Clock;
  readonly log: Logger;
  readonly counters: {
    /** Times that new files could not be used. */
    tlsCertificateFaults: number;
  };
}

export class TlsCertificate {
  readonly #files: TlsFiles;
  readonly #modules: TlsCertificateModules;
  readonly #renewed: RenewedFiles;
  #pair: TlsPair;
  #expiry: number;
  #toldExpired = false;

  /** @throws ServerError `server-no-certificate`, RuntimeError `secret-unreadable`; neither shows what stands in a file. */
  constructor(files: TlsFiles, modules: TlsCertificateModules) {
    this.#files = files;
    this.#modules = modules;
    this.#renewed = new RenewedFiles([files.certificate, files.key], {
      read: () => this.#read(),
      onBroken: (reason) => this.#tellBroken(reason),
    });
    this.#pair = readPair(files);
    this.#expiry = expiryOf(this.#pair);
    this.#tellExpired();
  }

  /** For the handshakes to come. */
  get current(): TlsPair {
    return this.#pair;
  }

  /** When the certificate expires, in Unix seconds. */
  get expiry(): number {
    return this.#expiry;
  }

  /** Called every few seconds. Returns whether `current` is another; never throws: what is there goes on while nothing better comes. */
  refresh(): boolean {
    const isNew = this.#renewed.refresh();
    this.#tellExpired();
    return isNew;
  }

  #read(): void {
    this.#pair = readPair(this.#files);
    this.#expiry = expiryOf(this.#pair);
    this.#toldExpired = false;
    this.#modules.log.info({ expires: dateOf(this.#expiry) }, 'the TLS certificate was renewed');
  }

  #tellBroken(reason: string): void {
    this.#modules.counters.tlsCertificateFaults += 1;
    this.#modules.log.warn({ reason }, 'the TLS certificate could not be read again: the last one is used');
  }

  /** An expired one is used all the same: most miners look at no certificate, and work on. */
  #tellExpired(): void {
    if (this.#toldExpired || unixSeconds(this.#modules.clock) <= this.#expiry) return;
    this.#toldExpired = true;
    const facts = { certificate: this.#files.certificate, expired: dateOf(this.#expiry) };
    this.#modules.log.warn(facts, 'the TLS certificate has expired: miners that check it stay away');
  }
}

/** Why the text is no certificate in PEM. */
export function certificateFault(text: string): string | undefined {
  try {
    new X509Certificate(text);
    return undefined;
  } catch {
    return 'holds no certificate in PEM';
  }
}

/** Why the text is no private key in PEM; shows nothing of it. */
export function privateKeyFault(text: string): string | undefined {
  try {
    createPrivateKey(text);
    return undefined;
  } catch {
    return 'holds no private key in PEM without a passphrase';
  }
}

function readPair({ certificate, key: keyFile }: TlsFiles): TlsPair {
  const cert = readText(certificate);
  const key = readSecretFile(keyFile);
  const noCertificate = certificateFault(cert);
  if (noCertificate !== undefined) throw new ServerError('server-no-certificate', `${certificate} ${noCertificate}`);
  const noKey = privateKeyFault(key);
  if (noKey !== undefined) throw new ServerError('server-no-certificate', `${keyFile} ${noKey}`);
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
    throw new ServerError('server-no-certificate', `${keyFile} is not the key of ${certificate}`);
  const pair: TlsPair = { cert, key, minVersion: 'TLSv1.2' };
  try {
    createSecureContext(pair);
  } catch (error) {
    throw new ServerError('server-no-certificate', `${certificate}: ${messageOf(error)}`);
  }
  return pair;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ServerError('server-no-certificate', `${path} cannot be read: ${systemReasonOf(error)}`);
  }
}

const expiryOf = ({ cert }: TlsPair) => Math.floor(new X509Certificate(cert).validToDate.getTime() / 1_000);
const dateOf = (seconds: number) => new Date(seconds * 1_000).toISOString();
