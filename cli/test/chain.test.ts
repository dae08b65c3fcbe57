import { compactToTarget, workOfTarget } from '@sluice/bitcoin/target';
import { describe, expect, it } from 'vitest';
import { nbitsFor } from '../src/start/chain.ts';
import { networkOf, type StartConfig, startRule } from '../src/start/config.ts';

describe('nbitsFor', () => {
  it('asks for as many hashes as are made in that time', () => {
    for (const hashrate of [1_000, 850_000, 3.2e9]) {
      const work = Number(workOfTarget(compactToTarget(nbitsFor(hashrate, 4))));
      expect(work / (hashrate * 4)).toBeCloseTo(1, 2);
    }
  });

  it('stays a positive compact target without any hashrate', () => {
    expect(compactToTarget(nbitsFor(0, 4))).toBeGreaterThan(0n);
  });
});

describe('settings of start', () => {
  const config = (values: Partial<StartConfig>) =>
    ({ bitcoind: [], data: 'none', ...values }) as unknown as StartConfig;
  const mistakes = (values: Partial<StartConfig>) => startRule(config(values), (name) => `--${name}`);
  const node = [new URL('http://127.0.0.1:8332')];

  it('take the network from what is at stake', () => {
    expect(networkOf(config({}))).toBe('regtest');
    expect(networkOf(config({ bitcoind: node }))).toBe('mainnet');
    expect(networkOf(config({ bitcoind: node, network: 'signet' }))).toBe('signet');
  });

  it('ask for a payout address of the right network on a node', () => {
    expect(mistakes({})).toEqual([]);
    expect(mistakes({ bitcoind: node })).toHaveLength(1);
    const payout = 'bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202';
    expect(mistakes({ bitcoind: node, payout, network: 'regtest' })).toEqual([]);
    expect(mistakes({ bitcoind: node, payout })).toMatchObject([
      { setting: 'payout', allowed: 'an address or descriptor of mainnet' },
    ]);
  });

  it('refuse what only a node can use', () => {
    expect(mistakes({ zmq: 'tcp://127.0.0.1:1', cookie: '/x' })).toHaveLength(2);
  });
});
