import { silentLogger } from '@sluice/runtime/logger';
import { describe, expect, it } from 'vitest';
import { createCounters } from '../../src/counters.ts';
import { BLOCKS_BOUND, type FoundBlock, KEPT_MS, SoloBlocks, TIP_OF_BLOCK_MS } from '../../src/upstream/solo-blocks.ts';

const hashOf = (name: number) => new Uint8Array(32).fill(name);

/** @param parent what it is built upon. */
const block = (name: number, parent: number): FoundBlock => ({
  ...{ hash: hashOf(name), prevHash: hashOf(parent), height: name },
  solution: {
    ...{ templateId: BigInt(name), version: 1, headerTimestamp: 1, headerNonce: 1, coinbaseTx: new Uint8Array(0) },
  },
});

function node() {
  const counters = createCounters();
  const blocks = new SoloBlocks('node:8442', { counters, log: silentLogger() });
  /** Template ids, in order. */
  const sent: number[] = [];
  const connect = (nowMs: number) => blocks.connected(({ templateId }) => void sent.push(Number(templateId)), nowMs);
  return { counters, blocks, sent, connect };
}

describe('SoloBlocks', () => {
  it('sends a block at once, once, and is done with it when it is the tip', () => {
    const { blocks, counters, sent, connect } = node();
    connect(0);
    blocks.tip(hashOf(1));
    blocks.add(block(2, 1), 10);
    expect(sent).toEqual([2]);
    expect([blocks.size, blocks.oldestSentMs]).toEqual([1, 10]);
    blocks.tip(hashOf(2));
    expect([blocks.size, blocks.oldestSentMs]).toEqual([0, undefined]);
    expect(counters).toMatchObject({
      ...{ soloBlocks: 1, soloBlocksConfirmed: 1, sharesForwarded: 1, upstreamAccepted: 1, upstreamUnanswered: 0 },
    });
    blocks.disconnected();
    connect(20);
    expect(sent).toEqual([2]);
  });

  it('sends what was found without a connection, or may have been lost with one, on the next, in order', () => {
    const { blocks, sent, connect } = node();
    connect(0);
    blocks.add(block(2, 1), 0);
    blocks.disconnected();
    blocks.add(block(3, 2), 5);
    blocks.tick(TIP_OF_BLOCK_MS * 2);
    expect(sent).toEqual([2]);
    connect(TIP_OF_BLOCK_MS * 2);
    expect(sent).toEqual([2, 2, 3]);
    blocks.tip(hashOf(3));
    expect(blocks.size).toBe(1);
  });

  it('gives up a block that its node has when it goes on with another one, and not before it could say so', () => {
    const { blocks, counters, connect } = node();
    connect(0);
    blocks.tip(hashOf(1));
    blocks.add(block(2, 1), 0);
    // Of the same height, on its way to us when ours was sent.
    blocks.tip(hashOf(9));
    blocks.tick(TIP_OF_BLOCK_MS - 1);
    expect(blocks.size).toBe(1);
    blocks.tick(TIP_OF_BLOCK_MS);
    expect(blocks.size).toBe(0);
    expect(counters).toMatchObject({ upstreamAccepted: 0, upstreamUnanswered: 1, soloBlocksConfirmed: 0 });
  });

  it('keeps a block as long as the node is where it was, for ten minutes', () => {
    const { blocks, counters, connect } = node();
    connect(0);
    blocks.tip(hashOf(1));
    blocks.add(block(2, 1), 0);
    blocks.tick(KEPT_MS - 1);
    expect(blocks.size).toBe(1);
    blocks.tick(KEPT_MS);
    expect(blocks.size).toBe(0);
    expect(counters.upstreamUnanswered).toBe(1);
  });

  it('keeps so many and no more', () => {
    const { blocks, counters } = node();
    for (let name = 1; name <= BLOCKS_BOUND + 1; name += 1) blocks.add(block(name, 0), 0);
    expect(blocks.size).toBe(BLOCKS_BOUND);
    expect(counters).toMatchObject({ soloBlocks: BLOCKS_BOUND + 1, upstreamUnanswered: 1 });
  });
});
