// The settings by which a server has its static key and certificate, and what they open.
import { decodeAuthorityPublicKey, decodeAuthoritySecretKey } from '@sluice/noise/authority-key';
import { type ConfigOf, type ConfigRule, defineConfig } from '@sluice/runtime/config';
import { readableFolder, secretFile } from '@sluice/runtime/config/path-types';
import { integer, text, type ValueType } from '@sluice/runtime/config/value-types';
import { readSecretFile } from '@sluice/runtime/secret-file';
import { CertificateFiles } from './certificate-files.ts';
import { ServerError } from './errors.ts';
import { type IdentityModules, type IdentitySource, selfCertified } from './identity.ts';

/** A file as `sluice keys` makes it. */
export function authoritySecretFile(): ValueType<string> {
  return secretFile({
    holds: "an authority's secret key",
    fault(text) {
      const secret = decodeAuthoritySecretKey(text);
      secret?.fill(0);
      return secret === undefined ? 'holds no secret key, or a damaged one' : undefined;
    },
  });
}

function publicKey(): ValueType<string> {
  return {
    ...text({ allowed: "an authority's public key in base58check, as peers are given it", placeholder: 'KEY' }),
    parse: (value) => (decodeAuthorityPublicKey(value) === undefined ? undefined : value),
  };
}

export const identitySettings = defineConfig({
  authoritySecretFile: {
    type: authoritySecretFile(),
    optional: true,
    doc: "File with the authority's secret key, as `sluice keys` makes it: the process then certifies itself. For one machine only.",
  },
  certificateDirectory: {
    type: readableFolder('static-key', 'certificate'),
    optional: true,
    doc: 'Folder with `static-key` and `certificate`, made by who holds the authority; read again whenever they change.',
  },
  authorityKey: {
    type: publicKey(),
    optional: true,
    doc: 'With it a certificate from files is checked before it is used.',
  },
  certificateValidity: {
    type: integer({ min: 600, max: 31_536_000 }),
    default: 86_400,
    doc: 'Seconds that a certificate which the process makes itself is valid; it is renewed at half of them.',
  },
});
export type IdentityConfig = ConfigOf<typeof identitySettings>;

/** One way to a certificate at most. */
export const identityRule: ConfigRule<typeof identitySettings> = (config, placeOf) =>
  config.authoritySecretFile !== undefined && config.certificateDirectory !== undefined
    ? [
        {
          setting: 'authoritySecretFile',
          problem: `set, and so is ${placeOf('certificateDirectory')}`,
          allowed: 'one of them',
        },
      ]
    : [];

/** One way to a certificate at least. */
export const identityNeeded: ConfigRule<typeof identitySettings> = (config, placeOf) =>
  config.authoritySecretFile === undefined && config.certificateDirectory === undefined
    ? [
        {
          setting: 'authoritySecretFile',
          problem: `not set, and neither is ${placeOf('certificateDirectory')}`,
          allowed: 'one of them',
        },
      ]
    : [];

/**
 * @throws ServerError `server-no-certificate`, RuntimeError `secret-unreadable`; neither shows what stands in a file.
 */
export function openIdentity(config: IdentityConfig, modules: IdentityModules): IdentitySource {
  const { authoritySecretFile, certificateDirectory, certificateValidity, authorityKey } = config;
  if (certificateDirectory !== undefined) {
    const key = authorityKey === undefined ? undefined : decodeAuthorityPublicKey(authorityKey);
    return new CertificateFiles(certificateDirectory, key, modules);
  }
  if (authoritySecretFile === undefined)
    throw new ServerError('server-no-certificate', 'neither authoritySecretFile nor certificateDirectory is set');
  const secret = decodeAuthoritySecretKey(readSecretFile(authoritySecretFile));
  if (secret === undefined)
    throw new ServerError('server-no-certificate', `${authoritySecretFile} holds no secret key`);
  return selfCertified(secret, certificateValidity, modules);
}
