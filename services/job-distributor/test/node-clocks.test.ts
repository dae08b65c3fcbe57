import { ManualClock } from '@sluice/runtime/clock';
import { beforeEach, describe, expect, it } from 'vitest';
import { NodeClocks } from '../src/node-clocks.ts';
import { root, templateOn } from './block-tree.ts';

const START = 1_800_000_000;

describe("the nodes' clocks", () => {
  let clock: ManualClock;
  let clocks: NodeClocks;

  beforeEach(() => {
    clock = new ManualClock(START * 1000);
    clocks = new NodeClocks();
  });

  const say = (curtime: number, provider = 'a', live = true) =>
    clocks.note(templateOn(root, { provider, curtime }), live, clock.monotonic());

  it('leave ours alone while it is right', () => {
    expect(clocks.headerSeconds(clock)).toBe(START);
    say(START - 5);
    expect(clocks.trouble(clock)).toBeUndefined();
    expect(clocks.headerSeconds(clock)).toBe(START);
  });

  it('hold back ours when it is ahead, and say so', () => {
    say(START);
    clock.set((START + 900) * 1000);
    expect(clocks.trouble(clock)).toBe('the clock is 900 s ahead of the nodes');
    expect(clocks.headerSeconds(clock)).toBe(START);
    clock.advance(10_000);
    expect(clocks.headerSeconds(clock)).toBe(START + 10);
  });

  it('are told when ours is behind: the rules of the chain then decide', () => {
    say(START + 45);
    expect(clocks.trouble(clock)).toBe('the clock is 45 s behind the nodes');
    expect(clocks.headerSeconds(clock)).toBe(START);
    expect(clocks.aheadMs(clock)).toBe(-45_000);
  });

  it('outvote one of them that is wrong', () => {
    say(START, 'a');
    say(START + 7_000, 'b');
    say(START - 1, 'c');
    expect(clocks.trouble(clock)).toBeUndefined();
  });

  it('hold back ours from the first job on, by what the stream has kept', () => {
    say(START - 900, 'a', false);
    expect(clocks.headerSeconds(clock)).toBe(START - 900);
    expect(clocks.trouble(clock)).toBeUndefined();
    say(START, 'a');
    expect(clocks.headerSeconds(clock)).toBe(START);
  });

  it('are not mistaken for an earlier time by a word that comes late or twice', () => {
    say(START);
    clock.advance(120_000);
    say(START + 10);
    expect(clocks.aheadMs(clock)).toBe(0);
    clock.advance(3_600_000);
    say(START);
    expect(clocks.aheadMs(clock)).toBe(0);
  });

  it('may be set back', () => {
    say(START + 900);
    clock.advance(700_000);
    say(START + 700);
    expect(clocks.aheadMs(clock)).toBe(0);
  });

  it('are not read from a time that the chain demands', () => {
    clocks.note(templateOn(root, { curtime: START + 300, minNtime: START + 300 }), true, clock.monotonic());
    expect(clocks.aheadMs(clock)).toBeUndefined();
  });
});
