import { loadConfig } from '@sluice/runtime/config/load';
import { expect, it } from 'vitest';
import { proxyRule, proxySettings, upstreamsOf } from '../src/config.ts';

const NODE = 'stratum2+tcp://127.0.0.1:8442?payout=';
const ADDRESS = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4';
const SECRET = 'L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1';

function mistakes(...argv: string[]): string {
  const loaded = loadConfig(proxySettings, { argv, env: {} }, proxyRule);
  return loaded.kind === 'mistakes' ? loaded.mistakes.join('\n') : '';
}

it('takes a node that belongs to the farm, which needs no identity, beside a pool, which does', () => {
  expect(mistakes('--upstream', `${NODE}${ADDRESS}`)).toBe('');
  const pool = ['--upstream', 'stratum2+tcp://pool.example:3333'];
  expect(mistakes(...pool, '--identity', 'farm', '--upstream', `${NODE}${ADDRESS}`)).toBe('');
  expect(mistakes(...pool, '--upstream', `${NODE}${ADDRESS}`)).toContain('pool.example:3333');
});

it.each([
  ['an address of another network', `${NODE}${ADDRESS}`, ['--network', 'regtest'], 'is of mainnet, not of regtest'],
  ['a mistyped address', `${NODE}${ADDRESS.slice(0, -1)}3`, [], 'is no address'],
  ['a private key', `${NODE}${SECRET}`, [], 'what looks like a private key'],
])('refuses %s before anything starts', (_, url, flags, told) => {
  const text = mistakes('--upstream', url, ...flags);
  expect(text).toContain(told);
  expect(text).toContain('127.0.0.1:8442');
  expect(text).not.toContain(SECRET);
});

it('pays the script of the address', () => {
  const argv = ['--upstream', 'stratum2+tcp://pool.example:3333?identity=farm', '--upstream', `${NODE}${ADDRESS}`];
  const loaded = loadConfig(proxySettings, { argv, env: {} }, proxyRule);
  if (loaded.kind !== 'config') throw new Error(`it is ${loaded.kind}`);
  const [pool, node] = upstreamsOf(loaded.config);
  expect([pool?.identity, pool?.payout]).toEqual(['farm', undefined]);
  expect(Buffer.from(node?.payout?.script ?? []).toString('hex')).toBe('0014751e76e8199196d454941c45d1b3a323f1433bd6');
});
