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
const server = 'stratum2+tcp://127.0.0.1:8442';
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
  [
    ['--template-server', 'stratum2+tcp://10.0.0.1:8442'],
    ['10.0.0.1:8442 has no authority key', 'on this machine only'],
  ],
  [['--template-server', `${server},${server}`], ['127.0.0.1:8442 is given twice']],
  [
    ['--template-server', server, '--coinbase-outputs-size', '64001'],
    ['coinbase-outputs-size', 'template-server', '64000'],
  ],
])('is a mistake with %j', (argv, words) => {
  const told = mistakes(...node, ...argv);
  for (const word of words) expect(told).toContain(word);
});

it('takes templates from a server alone, and not beside a simulated chain', () => {
  const remote = 'stratum2+tcp://provider.example:8442/9bXiEd8boQVhq7WddEcERUL5tyyJVFYdU8th3HfbNXK3Yw6GRXh';
  expect(mistakes('--template-server', server, '--template-server', remote)).toBe('');
  expect(mistakes(...node, '--template-server', remote)).toBe('');
  expect(mistakes('--simulated-chain', '--template-server', server)).toContain('allowed: one of them');
});

it('knows a node by one kind of credentials, whose files are there', () => {
  const told = (query: string, host = '10.0.0.1:8332') => mistakes('--bitcoind', `http://${host}?${query}`);
  writeFileSync(join(folder, 'username'), 'pool');
  expect(told(`credentials=${folder}`)).toContain('the credentials of node 10.0.0.1:8332');
  writeFileSync(join(folder, 'password'), 'secret');
  expect(told(`credentials=${folder}`)).toBe('');
  expect(told(`credentials=${folder}&cookie=${join(folder, 'password')}`)).toContain('a cookie and credentials');
  expect(told(`credentials=${folder}`, 'me:sekrit@10.0.0.1:8332')).toContain('a user and credentials');
});

it('limits what is set', () => {
  const loaded = load(...node, '--template-connections', '7', '--template-message-rate', '9');
  expect(loaded.kind === 'config' && limitsOf(loaded.config)).toMatchObject({ connections: 7, messagesPerSecond: 9 });
});
