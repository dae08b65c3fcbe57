// `sluice keys`: makes an authority key; the secret goes into a file, only the public half is printed.
import { type CommandTables, readCommandLine } from '@sluice/runtime/config/command-line';
import { formatHostPort } from '@sluice/runtime/config/value-types';
import { messageOf } from '@sluice/runtime/errors';
import { ExitCode } from '@sluice/runtime/exit-code';
import { createAuthorityKey, poolUrl, readAuthorityKey } from '../authority-keystore.ts';
import { keysRule, keysSettings } from './config.ts';

const doc = 'Makes the authority key that signs the certificates of a pool: miners know the pool by its public half.';

export async function main(argv: readonly string[], commands?: CommandTables): Promise<number> {
  const line = await readCommandLine({ name: 'keys', doc, settings: keysSettings, rule: keysRule, argv, commands });
  if (line.config === undefined) return line.exitCode;
  const { file, address, show, json } = line.config;
  try {
    const key = show ? readAuthorityKey(file) : createAuthorityKey(file);
    key.secret.fill(0);
    const url = poolUrl(formatHostPort(address), key);
    const text = `Authority key  ${key.text}\nPool URL       ${url}\nSecret key     ${file}\n`;
    process.stdout.write(json ? `${JSON.stringify({ publicKey: key.text, url, file })}\n` : text);
    return ExitCode.ok;
  } catch (error) {
    process.stderr.write(`sluice keys: ${messageOf(error)}\n`);
    return ExitCode.failed;
  }
}
