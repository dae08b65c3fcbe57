import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeAuthoritySecretKey } from '@sluice/noise/authority-key';
import { generateSecret } from '@sluice/noise/ec';
import { loadConfig } from '@sluice/runtime/config/load';
import { randomBytes } from '@sluice/runtime/random';
import { afterAll, expect, it } from 'vitest';
import { limitsOf, templateProviderRule, templateProviderSettings } from '../src/config.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-config-'));
writeFileSync(join(folder, 'key'), encodeAuthoritySecretKey(generateSecret(randomBytes)), { mode: 0o600 });
for (const file of ['static-key', 'certificate']) writeFileSync(join(folder, file), '');
afterAll(() => rmSync(folder, { recursive: true }));

const load = (...argv: string[]) => loadConfig(templateProviderSettings, { argv, env: {} }, templateProviderRule);
const node = ['--bitcoind', 'http://127.0.0.1:8332'];
const listen = ['--template-listen', '127.0.0.1:8442'];
const certificate = ['--certificate-directory', folder];
const key = ['--authority-secret-file', join(folder, 'key')];

function mistakes(...argv: string[]): string {
  const loaded = load(...argv);
  return loaded.kind === 'mistakes' ? loaded.mistakes.join('\n') : '';
}

it.each([[[]], [['--standalone', ...listen, ...key]], [[...listen, ...certificate]]])(
  'may be started with %j',
  (argv) => expect(mistakes(...node, ...argv)).toBe(''),
);

it.each([
  [listen, ['template-listen', 'allowed', 'authority-secret-file', 'certificate-directory']],
  [['--standalone'], ['standalone', 'allowed', 'template-listen']],
  [
    ['--standalone', ...listen, ...key, '--nats-user', 'me'],
    ['nats-user', 'standalone'],
  ],
  [[...listen, ...key, ...certificate], ['allowed: one of them']],
  [['--simulated-chain'], ['bitcoind', 'simulated-chain']],
])('is a mistake with %j', (argv, words) => {
  const told = mistakes(...node, ...argv);
  for (const word of words) expect(told).toContain(word);
});

it('limits what is set', () => {
  const loaded = load(...node, '--template-connections', '7', '--template-message-rate', '9');
  expect(loaded.kind === 'config' && limitsOf(loaded.config)).toMatchObject({ connections: 7, messagesPerSecond: 9 });
});
