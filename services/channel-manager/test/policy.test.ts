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
