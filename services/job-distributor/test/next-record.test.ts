// The decision, without a bus: what the feed lacks in each situation of docs/flows/template.md.
import { subsidy } from '@sluice/bitcoin/network';
import { JOB_ID_STRIDE, reissuedJobId } from '@sluice/mining/job-id';
import { beforeEach, describe, expect, it } from 'vitest';
import { ChainView } from '../src/chain-view.ts';
import { applyRecord, emptyFeedState, type FeedState } from '../src/feed-state.ts';
import { type Given, givenAfter, type JobPolicy, nextRecord, type Reason } from '../src/next-record.ts';
import { type Block, blockOn, NBITS, newsOf, root, templateOn } from './block-tree.ts';

const policy: JobPolicy = {
  network: 'regtest',
  payouts: [{ script: Uint8Array.of(0x51), weight: 1 }],
  tag: new TextEncoder().encode('/test/'),
  refreshMs: 30_000,
  feeRise: 5,
};

let view: ChainView;
let state: FeedState;
let given: Given;
let nowMs: number;

beforeEach(() => {
  view = new ChainView();
  state = emptyFeedState;
  nowMs = 1_600_000_000_000;
  given = { value: undefined, atMs: nowMs };
});

/** Writes all that is due; returns why. */
function settle(rules: JobPolicy = policy): Reason[] {
  const reasons: Reason[] = [];
  for (;;) {
    const now = { ms: nowMs, monotonicMs: nowMs, headerSeconds: Math.floor(nowMs / 1000) };
    const next = nextRecord(view, state, given, rules, now);
    if (next === undefined) return reasons;
    if (reasons.length > 10) throw new Error(`does not settle: ${reasons.join()}`);
    reasons.push(next.reason);
    given = givenAfter(given, next, nowMs);
    state = applyRecord(state, {
      ...next.draft,
      epoch: 1n,
      feed: BigInt(state.feed + 1),
      replayFrom: BigInt(state.replayFrom),
    });
  }
}

const onTip = (block: Block, changes = {}) => view.onTip(newsOf(block, changes));
const onTemplate = (block: Block, changes = {}) => view.onTemplate(templateOn(block, changes), 1n);

/** On the root with a template, as after a quiet start. */
function begin(): void {
  onTip(root);
  onTemplate(root);
  settle();
}

describe('at the start', () => {
  it('waits for a template, gives it as a future job, activates it and prepares the next height', () => {
    onTip(root);
    expect(settle()).toEqual([]);
    onTemplate(root);
    expect(settle()).toEqual(['tip-template', 'tip-template', 'future']);
    expect(state.tip?.prevHash).toEqual(root.hash);
    expect(state.tip?.height).toBe(101);
    expect(state.active?.templateId).not.toBe(0n);
    expect(state.future?.height).toBe(102);
    expect(state.future?.prevHash).toEqual(root.hash);
    expect(state.future?.merklePath).toEqual([]);
  });

  it('needs no news of the tip beside the template', () => {
    onTemplate(root);
    expect(settle()).toEqual(['tip-template', 'tip-template', 'future']);
  });
});

describe('at a new tip', () => {
  beforeEach(begin);

  it('activates the prepared job on the first news, then prepares the next, then gives the full job', () => {
    const prepared = state.future;
    const next = blockOn(root);
    onTip(next);
    expect(settle()).toEqual(['tip', 'future']);
    expect(state.tip?.jobId).toBe(prepared?.jobId);
    expect(state.tip?.nbits).toBe(NBITS);
    expect(state.tip?.chainwork).toBe(next.chainwork);
    expect(state.active?.templateId).toBe(0n);
    expect(state.future?.prevHash).toEqual(next.hash);
    onTemplate(next);
    expect(settle()).toEqual(['template']);
    expect(state.active?.future).toBe(false);
  });

  it('prepares the job late when the news came before it, and activates it', () => {
    state = { ...state, future: undefined };
    const next = blockOn(root);
    onTip(next);
    expect(settle()).toEqual(['future', 'tip', 'future']);
    expect(state.tip?.prevHash).toEqual(next.hash);
    expect(state.active?.prevHash).toEqual(root.hash);
  });

  it('takes the template at once when it is there and the job is not', () => {
    state = { ...state, future: undefined };
    const next = blockOn(root);
    onTip(next);
    onTemplate(next);
    expect(settle()).toEqual(['tip-template', 'tip-template', 'future']);
  });

  it('activates the prepared job for a tip without a header that says target and time of its child', () => {
    const prepared = state.future;
    const next = blockOn(root);
    onTip(next, { header: new Uint8Array(0), chainwork: 0n });
    expect(settle()).toEqual(['tip', 'future']);
    expect(state.tip).toMatchObject({ jobId: prepared?.jobId, prevHash: next.hash, chainwork: 0n, height: 102 });
    onTemplate(next, { chainwork: 0n });
    expect(settle()).toEqual(['template']);
  });

  it.each([
    ['two blocks further', 2, NBITS],
    ['the height that miners are on', 0, NBITS],
    ['the next one, where only a template can tell the target', 1, 0],
  ])('does not activate it for a tip without a header at %s', (_, above, nextNbits) => {
    onTip(blockOn(root), { header: new Uint8Array(0), chainwork: 0n, height: root.height + above, nextNbits });
    expect(settle()).toEqual([]);
    expect(state.tip?.prevHash).toEqual(root.hash);
  });

  it('goes on when a node that tells its work and a server that does not are ahead in turn', () => {
    const [first, second, third] = [blockOn(root), blockOn(blockOn(root)), blockOn(blockOn(blockOn(root)))];
    const unknown = { header: new Uint8Array(0), chainwork: 0n };
    onTip(first, unknown);
    expect(settle()).toEqual(['tip', 'future']);
    // The node comes to a block beside it: a tie, whatever its work.
    onTip(blockOn(root, 500n));
    expect(settle()).toEqual([]);
    onTip({ ...second, header: blockOn(first).header });
    expect(settle()).toEqual(['tip', 'future']);
    onTip(first, unknown);
    expect(settle()).toEqual([]);
    onTip(third, unknown);
    expect(settle()).toEqual(['tip', 'future']);
    // The work of the same tip is learned, and holds against what has less.
    onTip(third);
    expect(settle()).toEqual([]);
    onTip(blockOn(third, -100n));
    expect(settle()).toEqual([]);
    expect(state.tip?.prevHash).toEqual(third.hash);
  });

  it('gives the smallest header time as the latest of rule and clock', () => {
    onTip(blockOn(root), { minNtime: 1_500_000_000 });
    settle();
    expect(state.tip?.minNtime).toBe(1_600_000_000);
    onTip(blockOn({ ...root, hash: state.tip?.prevHash ?? root.hash, chainwork: 1_002n, height: 101 }), {
      minNtime: 1_650_000_000,
    });
    settle();
    expect(state.tip?.minNtime).toBe(1_650_000_000);
  });

  it('waits for the template when the target of the next block is not known', () => {
    const next = blockOn(root);
    onTip(next, { nextNbits: 0 });
    expect(settle()).toEqual([]);
    onTemplate(next, { nbits: 0x1d00_ffff });
    expect(settle()).toEqual(['tip-template', 'tip-template', 'future']);
    expect(state.tip?.nbits).toBe(0x1d00_ffff);
  });

  it('waits for the template when two blocks came at once', () => {
    const second = blockOn(blockOn(root));
    onTip(second);
    expect(settle()).toEqual([]);
    onTemplate(second);
    expect(settle()).toEqual(['tip-template', 'tip-template', 'future']);
    expect(state.tip?.height).toBe(103);
  });

  it('waits for the template after a reorganisation of two blocks, and never activates the prepared job for it', () => {
    const first = blockOn(root);
    const second = blockOn(first);
    onTip(first);
    settle();
    onTip(second);
    settle();
    const prepared = state.future?.jobId;
    const other = blockOn(blockOn(blockOn(root)));
    onTip(other);
    expect(settle()).toEqual([]);
    onTemplate(other);
    expect(settle()).toEqual(['tip-template', 'tip-template', 'future']);
    expect(state.tip?.prevHash).toEqual(other.hash);
    expect(state.tip?.jobId).not.toBe(prepared);
  });

  it('waits for the template when only a template told the tip, until the header comes', () => {
    const next = blockOn(root);
    view.onTemplate(templateOn(next), 1n);
    expect(settle()).toEqual(['tip-template', 'tip-template', 'future']);
    // The header, late: nothing more to do.
    onTip(next);
    expect(settle()).toEqual([]);
  });

  it('stays with the first of two tips of equal work, and goes over when the other has more', () => {
    const ours = blockOn(root);
    const theirs = blockOn(root);
    onTip(ours);
    settle();
    onTip(theirs, { provider: 'b' });
    onTemplate(theirs, { provider: 'b' });
    expect(settle()).toEqual([]);
    expect(state.tip?.prevHash).toEqual(ours.hash);
    const longer = blockOn(theirs);
    onTip(longer, { provider: 'b' });
    onTemplate(longer, { provider: 'b' });
    settle();
    expect(state.tip?.prevHash).toEqual(longer.hash);
  });

  it('never goes back to a tip of less work, nor takes a template of an older one', () => {
    const next = blockOn(root);
    onTip(next);
    onTemplate(next);
    settle();
    const { tip, active } = state;
    onTip(root, { provider: 'b' });
    onTemplate(root, { provider: 'b', coinbaseValue: 9_000_000_000n });
    nowMs += 59_000;
    expect(settle()).toEqual([]);
    expect([state.tip, state.active]).toEqual([tip, active]);
  });

  it('leaves miners alone when the feed is ahead of the providers', () => {
    const next = blockOn(root);
    onTip(next);
    settle();
    view = new ChainView();
    onTip(root);
    onTemplate(root);
    expect(settle()).toEqual([]);
  });
});

describe('on the same tip', () => {
  beforeEach(begin);

  it('gives a newer template when the time has come', () => {
    onTemplate(root);
    nowMs += 29_999;
    expect(settle()).toEqual([]);
    nowMs += 1;
    expect(settle()).toEqual(['refresh']);
    expect(settle()).toEqual([]);
    nowMs += 59_999;
    expect(settle()).toEqual([]);
  });

  it('measures the gain by the template that was given, whatever came while it was written', () => {
    onTemplate(root, { coinbaseValue: 6_000_000_000n });
    nowMs += 30_000;
    const now = { ms: nowMs, monotonicMs: nowMs, headerSeconds: 0 };
    const next = nextRecord(view, state, given, policy, now);
    onTemplate(root, { coinbaseValue: 9_000_000_000n });
    expect(next && givenAfter(given, next, nowMs)).toEqual({ value: 6_000_000_000n, atMs: nowMs });
  });

  it('gives the same work under a fresh id each minute when nothing else is new', () => {
    const before = state.active;
    nowMs += 60_000;
    expect(settle()).toEqual(['repeat']);
    const { active, tip } = state;
    expect(active).toMatchObject({ templateId: before?.templateId, merklePath: before?.merklePath, future: false });
    expect(active?.jobId).toBeGreaterThan(before?.jobId ?? 0);
    expect(active?.coinbasePrefix).not.toEqual(before?.coinbasePrefix);
    expect(active?.prevHash).toEqual(tip?.prevHash);
    expect(active?.minNtime).toBe(nowMs / 1000);
    nowMs += 60_000;
    expect(settle()).toEqual(['repeat']);
  });

  it('prefers a newer template to a repetition, also when both are due', () => {
    const minutely = { ...policy, refreshMs: 60_000 };
    onTemplate(root);
    nowMs += 60_000;
    expect(settle(minutely)).toEqual(['refresh']);
  });

  it('repeats the coinbase-only job of a tip without a template, and goes on with the providers away', () => {
    const next = blockOn(root);
    onTip(next);
    settle();
    nowMs += 60_000;
    expect(settle()).toEqual(['repeat']);
    expect(state.active).toMatchObject({ templateId: 0n, prevHash: next.hash, height: 102 });
    view = new ChainView();
    nowMs += 60_000;
    expect(settle()).toEqual(['repeat']);
  });

  it('helps a channel that has used up the ids of its job within a minute', () => {
    let id: number | undefined = state.active?.jobId;
    for (let easing = 1; easing < JOB_ID_STRIDE; easing++) id = reissuedJobId(id ?? 0);
    expect(id && reissuedJobId(id)).toBeUndefined();
    nowMs += 60_000;
    settle();
    expect(reissuedJobId(state.active?.jobId ?? 0)).toBeDefined();
    expect(state.active?.jobId).toBeGreaterThan(id ?? 0);
  });

  it('gives it sooner when it pays materially more', () => {
    onTemplate(root, { coinbaseValue: 5_249_999_999n });
    nowMs += 5_000;
    expect(settle()).toEqual([]);
    onTemplate(root, { coinbaseValue: 5_250_000_000n });
    expect(settle()).toEqual(['refresh']);
    onTemplate(root, { coinbaseValue: 9_000_000_000n });
    nowMs += 4_999;
    expect(settle()).toEqual([]);
  });

  it('takes the template that pays most, whoever has it', () => {
    onTemplate(root, { provider: 'b', coinbaseValue: 5_100_000_000n });
    onTemplate(root, { provider: 'a', coinbaseValue: 5_050_000_000n });
    nowMs += 30_000;
    settle();
    expect(state.active?.provider).toBe('b');
  });

  it('ignores a template of a provider that is not newer', () => {
    const { active } = state;
    onTemplate(root, { templateId: 0n, coinbaseValue: 9_000_000_000n });
    nowMs += 59_000;
    settle();
    expect(state.active).toEqual(active);
  });

  it('activates anew when a test network makes the target easier', () => {
    nowMs += 1_000;
    onTemplate(root, { nbits: 0x1e00_ffff });
    expect(settle()).toEqual(['tip-template', 'tip-template', 'future']);
    expect(state.tip?.nbits).toBe(0x1e00_ffff);
    expect(state.tip?.prevHash).toEqual(root.hash);
  });
});

describe('where a block may have the easiest target after twenty minutes', () => {
  const testnet: JobPolicy = { ...policy, network: 'testnet4' };
  const EASIEST = 0x1d00_ffff;
  const LIMIT = 1_600_000_000;
  const give = (changes = {}) => onTemplate(root, { minNtime: LIMIT - 5_000, curtime: LIMIT, ...changes });

  it("asks for the node's time, which its bits belong to", () => {
    give({ nbits: NBITS });
    nowMs = (LIMIT + 60) * 1000;
    settle(testnet);
    expect(state.tip).toMatchObject({ nbits: NBITS, minNtime: LIMIT });
    expect(state.active?.minNtime).toBe(LIMIT);
    nowMs += 60_000;
    expect(settle(testnet)).toEqual(['repeat']);
    expect(state.active?.minNtime).toBe(LIMIT);
  });

  it('never lets a header of the easiest target be earlier than that, also by a clock that is behind', () => {
    give({ nbits: EASIEST, curtime: LIMIT + 1_201 });
    nowMs = (LIMIT - 600) * 1000;
    settle(testnet);
    expect(state.tip).toMatchObject({ nbits: EASIEST, minNtime: LIMIT + 1_201 });
  });

  it('takes the target of the latest time, and of its templates the one that pays most', () => {
    give({ provider: 'a', nbits: EASIEST, curtime: LIMIT + 1_201, coinbaseValue: 5_000_000_000n });
    give({ provider: 'b', nbits: NBITS, curtime: LIMIT + 1_100, coinbaseValue: 9_000_000_000n });
    give({ provider: 'c', nbits: EASIEST, curtime: LIMIT + 1_200, coinbaseValue: 6_000_000_000n });
    settle(testnet);
    expect(state.tip?.nbits).toBe(EASIEST);
    expect(state.active?.provider).toBe('c');
  });
});

describe('jobs', () => {
  beforeEach(begin);

  it('have ids of one sequence, over all kinds', () => {
    expect(state.lastJobId).toBe(2 * JOB_ID_STRIDE);
    onTip(blockOn(root));
    settle();
    expect(state.lastJobId).toBe(3 * JOB_ID_STRIDE);
  });

  it('for the next height pay that height their subsidy, without fees', () => {
    const halving: Block = { ...root, height: 148 };
    view = new ChainView();
    state = emptyFeedState;
    onTip(halving);
    onTemplate(halving);
    settle();
    expect(state.future?.height).toBe(150);
    const suffix = Buffer.from(state.future?.coinbaseSuffix ?? []);
    const value = Buffer.alloc(8);
    value.writeBigUInt64LE(subsidy(150, 'regtest'));
    expect(subsidy(150, 'regtest')).toBe(2_500_000_000n);
    expect(suffix.includes(value)).toBe(true);
  });

  it('for the next height name no target where the network may change it', () => {
    expect(state.future?.nbits).toBe(NBITS);
    view = new ChainView();
    state = emptyFeedState;
    const mainnet: JobPolicy = { ...policy, network: 'mainnet' };
    const last: Block = { ...root, height: 2_014 };
    onTip(last);
    onTemplate(last);
    settle(mainnet);
    expect(state.future?.height).toBe(2_016);
    expect(state.future?.nbits).toBe(0);
  });
});
