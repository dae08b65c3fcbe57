// Each rule of a chaos report by itself: a report that breaks it and nothing else must say so.
import { describe, expect, it } from 'vitest';
import type { ChaosReport } from './chaos-run.ts';
import { broken } from './report.ts';

const batches = new Map([
  ['1-1', { shares: 6_000, work: 60_000n }],
  ['1-2', { shares: 4_000, work: 40_000n }],
]);
const identities = new Map([
  ['alice.rig', { shares: 5_000, work: 50_000n }],
  ['bob.rig', { shares: 5_000, work: 50_000n }],
]);
const total = { shares: 10_000, work: 100_000n };
const refused = new Map([['stale-share', 5]]);
const load = { sent: 10_005, accepted: 10_000, refused, overtaken: 5, unanswered: 0, faults: [] };
const kill = { part: 'nats-server', readyMs: 300, resumedMs: 200 } as const;

const good: ChaosReport = {
  plan: { parts: ['nats-server', 'share-validator-0'], rounds: 1, sharesPerSecond: 1_000 },
  kills: [kill, { ...kill, part: 'share-validator-0' }],
  seconds: 10,
  lossesElsewhere: [],
  lossesOfKilledGateway: 50,
  surviving: load,
  all: load,
  comparison: { missing: [], doubled: [], refusedButStored: [], storedUnanswered: 0 },
  stored: { batches, identities, channels: new Map(), repeatedBatches: 0, total },
  credits: { batches, identities, repeatedBatches: 0, held: 0, findings: [], total },
  uncredited: 0,
  latency: { p50: 1, p99: 2, p999: 3 },
};

const credits = (change: Partial<ChaosReport['credits']>) => ({ credits: { ...good.credits, ...change } });
const comparison = (change: Partial<ChaosReport['comparison']>) => ({ comparison: { ...good.comparison, ...change } });
const surviving = (change: Partial<ChaosReport['surviving']>) => ({ surviving: { ...load, ...change } });
const all = (change: Partial<ChaosReport['all']>) => ({ all: { ...load, ...change } });
const more = { shares: 5_001, work: 50_000n };
const fewer = { shares: 4_999, work: 50_000n };

const mistakes: readonly (readonly [string, Partial<ChaosReport>, RegExp])[] = [
  ['no kill', { kills: [] }, /^not killed 1 times: nats-server, share-validator-0$/],
  ['one part killed for the other', { kills: [kill, kill] }, /^not killed 1 times: nats-server, share-validator-0$/],
  ['no round', { plan: { ...good.plan, rounds: 0 }, kills: [] }, /^not killed 0 times/],
  ['a weak load', { seconds: 11.2 }, /^893 shares a second of 1000$/],
  ['late acknowledgements', { kills: [{ ...kill, resumedMs: 5_001 }, good.kills[1]!] }, /^1 times acknowledgements/],
  ['a lost miner', { lossesElsewhere: [{ port: 1, at: 1, reason: 'gone' }] }, /^1 miners were lost/],
  ['valid shares refused', surviving({ accepted: 9_989 }), /^99\.8900 % of the valid shares/],
  ['half of the shares overtaken', surviving({ accepted: 5_000, overtaken: 5_005 }), /^50\.\d+ % .* overtaken/],
  ['a little more overtaken', surviving({ accepted: 9_954, overtaken: 51 }), /^0\.5097 % .* overtaken/],
  ['a duplicate', all({ refused: new Map([['duplicate-share', 1]]) }), /^1 shares were refused as duplicates$/],
  ['an answer that is missing', surviving({ unanswered: 1 }), /^1 shares .* never answered$/],
  ['a wrong answer', all({ faults: ['stale-share for share 7'] }), /^wrong answers: stale-share for share 7$/],
  ['an acknowledged share lost', comparison({ missing: ['00/1'] }), /^1 acknowledged shares are not in the stream$/],
  ['a share stored twice', comparison({ doubled: ['00/1'] }), /^1 shares stand in two batches$/],
  ['a refused share stored', comparison({ refusedButStored: ['00/1'] }), /^1 refused shares are stored$/],
  ['a batch without credit', { uncredited: 1 }, /^1 batches were not credited$/],
  ['held credit', credits({ held: 3 }), /^the credit of 3 batches is held$/],
  ['a finding', credits({ findings: ['1-1: finding 2'] }), /^findings: 1-1: finding 2$/],
  [
    'credit moved between batches',
    credits({ batches: new Map([...batches].map(([key], at) => [key, [...batches.values()][1 - at]!])) }),
    /^credit is not what is stored in 2 batches: 1-1; 1-2$/,
  ],
  [
    'credit of a batch that was never stored',
    credits({ batches: new Map([...batches, ['1-3', { shares: 0, work: 0n }]]) }),
    /^credit is not what is stored in 1 batches: 1-3$/,
  ],
  [
    'credit moved between workers',
    credits({ identities: new Map(Object.entries({ 'alice.rig': more, 'bob.rig': fewer })) }),
    /^credit is not what is stored for 2 workers: alice\.rig; bob\.rig$/,
  ],
  [
    'credit without its work',
    credits({ identities: new Map([...identities, ['bob.rig', { shares: 5_000, work: 1n }]]) }),
    /^credit is not what is stored for 1 workers: bob\.rig$/,
  ],
];

describe('a chaos report', () => {
  it('of a run that kept every promise breaks nothing', () => {
    expect(broken(good)).toEqual([]);
  });

  it('takes one credit for batches that came together', () => {
    expect(broken({ ...good, ...credits({ batches: new Map([['1-2', total]]) }) })).toEqual([]);
  });

  it.each(mistakes)('tells %s', (_name, change, line) => {
    expect(broken({ ...good, ...change })).toEqual([expect.stringMatching(line)]);
  });
});
