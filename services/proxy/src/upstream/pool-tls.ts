// TLS to pools of Stratum V1: their certificates are checked as browsers check those of a site, and what is wrong is told by its own code.
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect, createSecureContext, getCACertificates, type SecureContext, type TLSSocket } from 'node:tls';
import { codeOf, messageOf } from '@sluice/runtime/errors';
import { UpstreamError, type UpstreamErrorCode } from './errors.ts';

/** From the TCP connection to the end of the handshake. */
export const TLS_DEADLINE_MS = 10_000;

/** By the code of OpenSSL or Node. */
const failures: Readonly<Record<string, UpstreamErrorCode>> = {
  CERT_HAS_EXPIRED: 'upstream-certificate-expired',
  CERT_NOT_YET_VALID: 'upstream-certificate-expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'upstream-authority-unknown',
  SELF_SIGNED_CERT_IN_CHAIN: 'upstream-authority-unknown',
  UNABLE_TO_GET_ISSUER_CERT: 'upstream-authority-unknown',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'upstream-authority-unknown',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'upstream-authority-unknown',
  ERR_TLS_CERT_ALTNAME_INVALID: 'upstream-name-mismatch',
  ERR_SSL_WRONG_VERSION_NUMBER: 'upstream-not-tls',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'upstream-not-tls',
};

export class PoolTls {
  readonly #ownAuthorities: string | undefined;
  #context: SecureContext | undefined;

  /** @param ownAuthorities certificates in PEM that are trusted beside the system's and those that Node brings. */
  constructor(ownAuthorities: string | undefined) {
    this.#ownAuthorities = ownAuthorities;
  }

  /**
   * TLS 1.2 or later over a connected stream, which belongs to it from then on. @param host as the URL has it: the certificate must be for it.
   * @throws UpstreamError that says what is wrong; the stream is closed then.
   */
  secure(stream: Duplex, host: string): Promise<TLSSocket> {
    // An address is no name that a server could be asked for [RFC 6066 3].
    const servername = isIP(host) === 0 ? host : '';
    const socket = connect({ socket: stream, host, servername, secureContext: this.#trust() });
    return new Promise((resolve, reject) => {
      const fail = (reason: UpstreamError) => {
        clearTimeout(timer);
        socket.destroy();
        stream.destroy();
        reject(reason);
      };
      const onError = (error: Error) => fail(failureOf(error));
      const timer = setTimeout(
        () =>
          fail(new UpstreamError('upstream-handshake-failed', 'no TLS handshake in time: is this its port for TLS?')),
        TLS_DEADLINE_MS,
      );
      socket.once('error', onError);
      socket.once('secureConnect', () => {
        clearTimeout(timer);
        socket.off('error', onError);
        resolve(socket);
      });
    });
  }

  /** Made once, and only where it is needed: it takes hundreds of certificates and tens of milliseconds. */
  #trust(): SecureContext {
    const own = this.#ownAuthorities === undefined ? [] : [this.#ownAuthorities];
    const ca = () => [...own, ...new Set([...getCACertificates('system'), ...getCACertificates('bundled')])];
    this.#context ??= createSecureContext({ minVersion: 'TLSv1.2', ca: ca() });
    return this.#context;
  }
}

function failureOf(error: Error): UpstreamError {
  const code = codeOf(error) ?? '';
  const known = failures[code];
  if (known === 'upstream-not-tls') return new UpstreamError(known, 'it answers a TLS handshake with something else');
  // Behind a semicolon Node recommends its own flags.
  if (known !== undefined) return new UpstreamError(known, messageOf(error).replace(/;.*/, ''));
  // What OpenSSL says of itself names its source files.
  const detail = code.startsWith('ERR_SSL_') ? `TLS: ${code}` : `TLS: ${messageOf(error)}`;
  return new UpstreamError('upstream-handshake-failed', detail);
}
