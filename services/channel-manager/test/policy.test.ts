import { scriptFor } from '@sluice/bitcoin/script';
import { MAX_TARGET, targetOfDifficulty, workOfTarget } from '@sluice/bitcoin/target';
import type { OpenRequest } from '@sluice/bus/payloads/channel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAccounts } from '../src/accounts-file.ts';
import { parseIdentity } from '../src/identity.ts';
import { decideOpen, decideUpdate, type Policy } from '../src/policy.ts';

const policy: Policy = {
  sharesPerMinute: 6,
  hardestTarget: targetOfDifficulty(1e9),
  easiestTarget: targetOfDifficulty(0.01),
  unknownHashrate: 1e12,
  trustedHashrate: 1e15,
  accounts: undefined,
};
const request: OpenRequest = {
  incarnation: 1n,
  connectionId: 1,
  channelId: 2,
  kind: 1,
  identity: 'alice.rig-1',
  nominalHashrate: 1e13,
  maxTarget: MAX_TARGET,
  minExtranonceSize: 0,
  remoteAddress: '127.0.0.1',
  vendor: 'x',
};
const open = (changes: Partial<OpenRequest>, rules: Policy = policy) => decideOpen(rules, { ...request, ...changes });

describe('parseIdentity', () => {
  it.each([
    ['alice', { account: 'alice', worker: '' }],
    ['alice.rig-1', { account: 'alice', worker: 'rig-1' }],
    ['bc1qxyz.a.b', { account: 'bc1qxyz', worker: 'a.b' }],
    ['алиса.буровая', { account: 'алиса', worker: 'буровая' }],
  ])('reads %s', (text, expected) => expect(parseIdentity(text)).toEqual(expected));

  it.each(['', '.worker', 'a b', 'a\nb', 'a\u0000', '\ud800', 'x'.repeat(128), `a.${'w'.repeat(128)}`])(
    'refuses %j',
    (text) => expect(parseIdentity(text)).toBeUndefined(),
  );
});

describe('decideOpen', () => {
  it('gives the account, the worker and a first target for the claimed hashrate', () => {
    const reply = open({});
    expect(reply).toMatchObject({ kind: 'opened', identity: 'alice', worker: 'rig-1', sharesPerMinute: 6 });
    if (reply.kind === 'opened') expect(Number(workOfTarget(reply.firstTarget))).toBeCloseTo(1e14, -8);
  });

  it.each([
    [{ identity: '' }, 'invalid-user-identity'],
    [{ nominalHashrate: Number.NaN }, 'invalid-nominal-hashrate'],
    [{ nominalHashrate: Number.POSITIVE_INFINITY }, 'invalid-nominal-hashrate'],
    [{ nominalHashrate: -1 }, 'invalid-nominal-hashrate'],
    [{ nominalHashrate: -0 }, 'invalid-nominal-hashrate'],
    [{ maxTarget: 0n }, 'max-target-out-of-range'],
    [{ maxTarget: policy.hardestTarget - 1n }, 'max-target-out-of-range'],
  ] as const)('refuses case %#', (changes, errorCode) => expect(open(changes)).toEqual({ kind: 'refused', errorCode }));

  it('knows the accounts of a list alone', () => {
    const rules = { ...policy, accounts: parseAccounts('# ours\nalice\n\nbob # second\n') };
    expect(open({}, rules).kind).toBe('opened');
    expect(open({ identity: 'bob' }, rules).kind).toBe('opened');
    expect(open({ identity: 'carol.x' }, rules)).toEqual({ kind: 'refused', errorCode: 'unknown-user' });
  });

  it('keeps the first target within the bounds of pool and device, whatever is claimed', () => {
    fc.assert(
      fc.property(
        fc.float({ min: 0, noNaN: true, noDefaultInfinity: true }),
        fc.bigInt({ min: policy.hardestTarget, max: MAX_TARGET }),
        (nominalHashrate, maxTarget) => {
          const reply = open({ nominalHashrate: Math.abs(nominalHashrate), maxTarget });
          if (reply.kind === 'refused') throw new Error(reply.errorCode);
          expect(reply.firstTarget >= policy.hardestTarget && reply.firstTarget <= reply.maxTarget).toBe(true);
          expect(reply.maxTarget <= maxTarget && reply.maxTarget <= policy.easiestTarget).toBe(true);
        },
      ),
    );
  });

  it('takes no claim for more than is trusted, and a guess where there is none', () => {
    expect(open({ nominalHashrate: 1e30 })).toEqual(open({ nominalHashrate: 1e15 }));
    expect(open({ nominalHashrate: 0 })).toEqual(open({ nominalHashrate: 1e12 }));
  });
});

describe('decideOpen with payout by identity', () => {
  const address = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
  const script = scriptFor(address, 'regtest');
  const byIdentity: Policy = { ...policy, payoutNetwork: 'regtest' };
  const paysPool = { poolPercent: 100, payoutScript: new Uint8Array() };

  it.each([
    [`${address}.rig`, { identity: address, worker: 'rig', poolPercent: 0, payoutScript: script }],
    [address, { identity: address, worker: '', poolPercent: 0, payoutScript: script }],
    [`sri/solo/${address}/rig.1`, { identity: address, worker: 'rig.1', poolPercent: 0, payoutScript: script }],
    [`sri/donate/5/${address}/rig`, { identity: address, worker: 'rig', poolPercent: 5, payoutScript: script }],
    ['sri/donate/rig', { identity: 'sri/donate', worker: 'rig', ...paysPool }],
    ['sri/donate', { identity: 'sri/donate', worker: '', ...paysPool }],
    ['cool_miner/worker.1', { identity: 'cool_miner/worker', worker: '1', ...paysPool }],
  ])('opens for %s', (identity, expected) =>
    expect(open({ identity }, byIdentity)).toMatchObject({ kind: 'opened', ...expected }),
  );

  it.each([
    'sri/solo/tb1qbalieiro/worker.1',
    'sri/worker.1',
    `sri/donate/100/${address}/rig`,
    'sri/solo/bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4/rig',
    `sri/solo/${address}/${'w'.repeat(128)}`,
    `sri/solo/${address}/a b`,
  ])('refuses %s', (identity) =>
    expect(open({ identity }, byIdentity)).toEqual({ kind: 'refused', errorCode: 'invalid-user-identity' }),
  );

  it("is the pool's policy alone: without it every identity is the name of an account", () => {
    for (const identity of [address, `sri/solo/${address}/rig`, `sri/donate/5/${address}/rig`, 'sri/worker.1']) {
      expect(open({ identity })).toMatchObject({ kind: 'opened', ...paysPool });
    }
  });

  it('admits the addresses of the list alone', () => {
    const rules = { ...byIdentity, accounts: parseAccounts(`${address}\n`) };
    expect(open({ identity: `sri/solo/${address}/rig` }, rules).kind).toBe('opened');
    expect(open({ identity: 'sri/donate/rig' }, rules)).toEqual({ kind: 'refused', errorCode: 'unknown-user' });
  });
});

describe('decideUpdate', () => {
  const update = { incarnation: 1n, connectionId: 1, channelId: 2, nominalHashrate: 1, maxTarget: MAX_TARGET };

  it('gives the bounds that hold from now on', () => {
    expect(decideUpdate(policy, update)).toMatchObject({ errorCode: '', maxTarget: policy.easiestTarget });
    const harder = policy.easiestTarget / 2n;
    expect(decideUpdate(policy, { ...update, maxTarget: harder })).toMatchObject({ errorCode: '', maxTarget: harder });
  });

  it('refuses what an opening would be refused for', () => {
    expect(decideUpdate(policy, { ...update, nominalHashrate: Number.NaN }).errorCode).toBe('invalid-nominal-hashrate');
    expect(decideUpdate(policy, { ...update, maxTarget: 0n }).errorCode).toBe('max-target-out-of-range');
  });
});
