// A server's static key and certificate from files that the holder of the authority writes and renews.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Certificate, certificateFault, decodeCertificate } from '@sluice/noise/certificate';
import { keyPairOf } from '@sluice/noise/ec';
import { unixSeconds } from '@sluice/runtime/clock';
import { messageOf } from '@sluice/runtime/errors';
import { ServerError } from './errors.ts';
import type { IdentityModules, IdentitySource, ServerIdentity } from './identity.ts';
import { RenewedFiles } from './renewed-files.ts';

const STATIC_KEY = 'static-key';
const CERTIFICATE = 'certificate';

export class CertificateFiles implements IdentitySource {
  faults = 0;
  readonly #directory: string;
  readonly #authorityKey: Uint8Array | undefined;
  readonly #modules: IdentityModules;
  readonly #files: RenewedFiles;
  #identity: ServerIdentity;
  #toldExpired = false;

  /**
   * @param directory holds `static-key` (32 bytes) and `certificate` (74 bytes), both in hex
   * @param authorityKey 32 bytes; with it a certificate is checked before it is used
   * @throws ServerError `server-no-certificate` when there is none that can be used
   */
  constructor(directory: string, authorityKey: Uint8Array | undefined, modules: IdentityModules) {
    this.#directory = directory;
    this.#authorityKey = authorityKey;
    this.#modules = modules;
    this.#files = new RenewedFiles(
      [STATIC_KEY, CERTIFICATE].map((name) => join(directory, name)),
      { read: () => this.#take(), onBroken: (reason) => this.#tellBroken(reason) },
    );
    this.#identity = this.#read();
  }

  current(): ServerIdentity {
    return this.#identity;
  }

  refresh(): void {
    this.#files.refresh();
    this.#tellExpired();
  }

  #take(): void {
    const last = this.#identity;
    this.#identity = this.#read();
    // A handshake is over within one call, so none has the old key still to use.
    last.staticKey.secret.fill(0);
    this.#toldExpired = false;
    const { notValidAfter } = this.#identity.certificate;
    this.#modules.log.info({ expires: dateOf(notValidAfter) }, 'the certificate was renewed');
  }

  #tellBroken(reason: string): void {
    this.faults += 1;
    this.#modules.log.error({ reason }, 'the certificate could not be read again: the last one is used');
  }

  #tellExpired(): void {
    const { notValidAfter } = this.#identity.certificate;
    if (this.#toldExpired || unixSeconds(this.#modules.clock) <= notValidAfter) return;
    this.#toldExpired = true;
    this.#modules.log.error({ expired: dateOf(notValidAfter) }, 'the certificate has expired: peers stay away');
  }

  #read(): ServerIdentity {
    const { ec, random, clock } = this.#modules;
    const authorityKey = this.#authorityKey;
    const secret = readHex(join(this.#directory, STATIC_KEY), 32);
    try {
      const staticKey = keyPairOf(ec, secret, random);
      const certificate = decodeCertificate(readHex(join(this.#directory, CERTIFICATE), 74)) as Certificate;
      const now = unixSeconds(clock);
      const fault =
        authorityKey === undefined
          ? timeFault(certificate, now)
          : certificateFault(certificate, { ec, authorityKey, staticPublicKey: ec.xOnlyPublicKey(secret), now });
      if (fault !== undefined) throw new ServerError('server-no-certificate', `${this.#directory}: ${fault}`);
      return { staticKey, certificate };
    } catch (error) {
      secret.fill(0);
      throw error;
    }
  }
}

function timeFault({ validFrom, notValidAfter }: Certificate, now: number): string | undefined {
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

const dateOf = (seconds: number) => new Date(seconds * 1_000).toISOString();
