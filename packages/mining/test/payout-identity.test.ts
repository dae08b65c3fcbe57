// The cases of the reference implementation's parser, and those in which we are stricter.
import type { Network } from '@sluice/bitcoin/network';
import { scriptFor } from '@sluice/bitcoin/script';
import { describe, expect, it } from 'vitest';
import { parsePayoutIdentity } from '../src/payout-identity.ts';

const MINER = 'bc1qtzqxqaxyy6lda2fhdtp5dp0v56vlf6g0tljy2x';
const TAPROOT = 'bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr';
const TESTNET = 'tb1qa0sm0hxzj0x25rh8gw5xlzwlsfvvyz8u96w3p8';

function paid(identity: string, network: Network = 'mainnet') {
  const parsed = parsePayoutIdentity(identity, network);
  if (parsed.kind !== 'miner') return parsed.kind;
  expect(parsed.payout.script).toEqual(scriptFor(parsed.address, network));
  return [parsed.address, parsed.worker, parsed.payout.poolPercent];
}

describe('parsePayoutIdentity', () => {
  it.each([
    [`sri/solo/${MINER}/worker`, [MINER, 'worker', 0]],
    [`sri/solo/${MINER}`, [MINER, '', 0]],
    [`sri/solo/${MINER}/worker/subworker`, [MINER, 'worker/subworker', 0]],
    [`sri/solo/${TAPROOT}/worker.1`, [TAPROOT, 'worker.1', 0]],
    [MINER, [MINER, '', 0]],
    [`${MINER}.worker1`, [MINER, 'worker1', 0]],
    [`${MINER}.worker1.subworker`, [MINER, 'worker1.subworker', 0]],
    ['1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH.w', ['1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH', 'w', 0]],
    ['3P14159f73E4gFr7JterCCQh9QjiTjiZrG', ['3P14159f73E4gFr7JterCCQh9QjiTjiZrG', '', 0]],
    [`sri/donate/50/${MINER}/worker`, [MINER, 'worker', 50]],
    [`sri/donate/50/${MINER}`, [MINER, '', 50]],
    [`sri/donate/1/${MINER}/w`, [MINER, 'w', 1]],
    [`sri/donate/99/${MINER}/w`, [MINER, 'w', 99]],
  ])('%s pays the miner', (identity, expected) => expect(paid(identity)).toEqual(expected));

  it.each(['testnet4', 'signet'] as const)('takes the addresses of %s there', (network) => {
    expect(paid(`sri/solo/${TESTNET}/worker`, network)).toEqual([TESTNET, 'worker', 0]);
    expect(paid(`sri/donate/50/${TESTNET}`, network)).toEqual([TESTNET, '', 50]);
  });

  it.each([
    ['sri/donate/worker', 'worker'],
    ['sri/donate', ''],
    ['sri/donate/', ''],
    ['sri/donate/5', '5'],
  ])('%s gives all to the pool', (identity, worker) =>
    expect(parsePayoutIdentity(identity, 'mainnet')).toEqual({ kind: 'donation', worker }),
  );

  it.each([
    'invalid_address.worker',
    'other/donate/worker',
    'cool_miner/worker.1',
    'bc1q_typo.worker',
    'alice',
    'sri',
    'sri.worker',
    '',
    `raw(6a)`,
    `addr(${MINER})`,
  ])('%s names an account', (identity) => expect(paid(identity)).toBe('account'));

  it.each([
    'sri/',
    'sri/worker.1',
    'sri/invalid/worker',
    'sri/solo',
    'sri/solo/',
    'sri/solo/random_thing_here/worker',
    'sri/solo/tb1qbalieiro/worker.1',
    `sri/solo/${MINER}.worker`,
    `sri/solo/addr(${MINER})/worker`,
    `sri/donate/abc/${MINER}/worker`,
    `sri/donate/0/${MINER}/worker`,
    `sri/donate/100/${MINER}/worker`,
    `sri/donate/101/${MINER}/worker`,
    `sri/donate/1.5/${MINER}/worker`,
    `sri/donate/-1/${MINER}/worker`,
    `sri/donate/05/${MINER}/worker`,
    'sri/donate/5/worker/x',
    `sri/donate//${MINER}/x`,
    // Of another network, and with a letter wrong.
    `sri/solo/${TESTNET}/worker`,
    `sri/donate/50/${TESTNET}/worker`,
    `${TESTNET}.worker`,
    `${MINER.slice(0, -1)}q.worker`,
    MINER.replace('tzq', 'tqz'),
  ])('%s is refused', (identity) => expect(paid(identity)).toBe('invalid'));
});
