// `sluice keys`: makes an authority key; the secret goes into a file, only the public half is printed.
import { helpText } from '@sluice/runtime/config/help';
import { loadConfig } from '@sluice/runtime/config/load';
import { formatHostPort } from '@sluice/runtime/config/value-types';
import { messageOf } from '@sluice/runtime/errors';
import { ExitCode } from '@sluice/runtime/run-service';
import { createAuthorityKey, poolUrl, readAuthorityKey } from '../authority-keystore.ts';
import { keysSettings } from './config.ts';

const doc = 'Makes the authority key that signs the certificates of a pool: miners know the pool by its public half.';

export async function main(argv: readonly string[]): Promise<number> {
  const loaded = loadConfig(keysSettings, { argv, env: process.env });
  if (loaded.kind === 'help') {
    process.stdout.write(helpText('sluice keys [flags]', doc, keysSettings));
    return ExitCode.ok;
  }
  if (loaded.kind === 'mistakes') {
    for (const mistake of loaded.mistakes) process.stderr.write(`sluice keys: ${mistake}\n`);
    return ExitCode.usage;
  }
  const { file, address, show, json } = loaded.config;
  try {
    const key = show ? readAuthorityKey(file) : createAuthorityKey(file);
    key.secret.fill(0);
    const url = poolUrl(formatHostPort(address), key);
    const text = `Authority key  ${key.text}\nPool URL       ${url}\nSecret key     ${file}\n`;
    process.stdout.write(json ? `${JSON.stringify({ publicKey: key.text, url, file })}\n` : text);
    return ExitCode.ok;
  } catch (error) {
    const hint = show ? '' : '; --show prints the key of a file, --file makes another one';
    process.stderr.write(`sluice keys: ${messageOf(error)}${hint}\n`);
    return ExitCode.failed;
  }
}
