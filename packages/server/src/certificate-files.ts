// A server's static key and certificate from files that the holder of the authority writes and renews.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Certificate, certificateFault, decodeCertificate } from '@sluice/noise/certificate';
import { keyPairOf } from '@sluice/noise/ec';
import { unixSeconds } from '@sluice/runtime/clock';
import { messageOf } from '@sluice/runtime/errors';
import { ServerError } from './errors.ts';
import type { IdentityModules, IdentitySource, ServerIdentity } from './identity.ts';

const STATIC_KEY = 'static-key';
const CERTIFICATE = 'certificate';

export class CertificateFiles implements IdentitySource {
  faults = 0;
  readonly #directory: string;
  readonly #authorityKey: Uint8Array | undefined;
  readonly #modules: IdentityModules;
  #identity: ServerIdentity;
  #toldExpired = false;
  /** The state of the files that `#identity` was read from. */
  #known: string;
  /** The state of files that were broken at the last look, and of those that were told. */
  #broken = '';
  #told = '';

  /**
   * @param directory holds `static-key` (32 bytes) and `certificate` (74 bytes), both in hex
   * @param authorityKey 32 bytes; with it a certificate is checked before it is used
   * @throws ServerError `server-no-certificate` when there is none that can be used
   */
  constructor(directory: string, authorityKey: Uint8Array | undefined, modules: IdentityModules) {
    this.#directory = directory;
    this.#authorityKey = authorityKey;
    this.#modules = modules;
    this.#known = stateOf(directory);
    this.#identity = this.#read();
  }

  current(): ServerIdentity {
    return this.#identity;
  }

  refresh(): void {
    const state = stateOf(this.#directory);
    if (state !== this.#known) this.#take(state);
    this.#tellExpired();
  }

  #take(state: string): void {
    const last = this.#identity;
    const { log } = this.#modules;
    try {
      this.#identity = this.#read();
    } catch (error) {
      // Two files are not read at once, nor always written so: what is broken is told when it stays so. It is tried again all the same: it may
      // not have been valid yet, or there was no file handle left.
      if (state === this.#broken && state !== this.#told) {
        this.#told = state;
        this.faults += 1;
        log.error({ reason: messageOf(error) }, 'the certificate could not be read again: the last one is used');
      }
      this.#broken = state;
      return;
    }
    // A handshake is over within one call, so none has the old key still to use.
    last.staticKey.secret.fill(0);
    this.#known = state;
    this.#broken = '';
    this.#told = '';
    this.#toldExpired = false;
    log.info({ expires: dateOf(this.#identity.certificate.notValidAfter) }, 'the certificate was renewed');
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

/** Another one when a file was written or replaced, also by a link to another folder, as Kubernetes does. */
function stateOf(directory: string): string {
  try {
    const files = [STATIC_KEY, CERTIFICATE].map((name) => statSync(join(directory, name), { bigint: true }));
    return files.map(({ ino, size, mtimeNs, ctimeNs }) => `${ino} ${size} ${mtimeNs} ${ctimeNs}`).join(', ');
  } catch (error) {
    return messageOf(error);
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
