// The settings by which a server has its static key and certificate, and what they open.
import { decodeAuthorityPublicKey, decodeAuthoritySecretKey } from '@sluice/noise/authority-key';
import { type ConfigOf, defineConfig } from '@sluice/runtime/config';
import type { ConfigRule } from '@sluice/runtime/config/load';
import { integer, path, text } from '@sluice/runtime/config/value-types';
import { readSecretFile } from '@sluice/runtime/secret-file';
import { ServerError } from './errors.ts';
import { certificateFromFiles, type IdentityModules, type IdentitySource, selfCertified } from './identity.ts';

export const identitySettings = defineConfig({
  authoritySecretFile: {
    type: path(),
    optional: true,
    doc: "File with the authority's secret key, as `sluice keys` makes it: the process then certifies itself. For one machine only.",
  },
  certificateDirectory: {
    type: path(),
    optional: true,
    doc: 'Folder with `static-key` and `certificate`, made by who holds the authority; read again whenever they change.',
  },
  authorityKey: {
    type: text({
      allowed: "an authority's public key in base58check, as peers are given it",
      placeholder: 'KEY',
      pattern: /^[1-9A-HJ-NP-Za-km-z]{40,60}$/,
    }),
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

/** One way to a certificate at most, and a key that is one. */
export const identityRule: ConfigRule<typeof identitySettings> = (config) => {
  const mistakes: string[] = [];
  if (config.authoritySecretFile !== undefined && config.certificateDirectory !== undefined)
    mistakes.push('authoritySecretFile and certificateDirectory are both set; allowed: one of them');
  if (config.authorityKey !== undefined && decodeAuthorityPublicKey(config.authorityKey) === undefined)
    mistakes.push('authorityKey is no public key: its checksum or version is wrong');
  return mistakes;
};

/**
 * @throws ServerError `server-no-certificate`, RuntimeError `secret-unreadable`; neither shows what stands in a file.
 */
export function openIdentity(config: IdentityConfig, modules: IdentityModules): IdentitySource {
  const { authoritySecretFile, certificateDirectory, certificateValidity, authorityKey } = config;
  if (certificateDirectory !== undefined) {
    const key = authorityKey === undefined ? undefined : decodeAuthorityPublicKey(authorityKey);
    return certificateFromFiles(
      { directory: certificateDirectory, ...(key === undefined ? {} : { authorityKey: key }) },
      modules,
    );
  }
  if (authoritySecretFile === undefined)
    throw new ServerError('server-no-certificate', 'neither authoritySecretFile nor certificateDirectory is set');
  const secret = decodeAuthoritySecretKey(readSecretFile(authoritySecretFile));
  if (secret === undefined)
    throw new ServerError('server-no-certificate', `${authoritySecretFile} holds no secret key`);
  return selfCertified(secret, certificateValidity, modules);
}
