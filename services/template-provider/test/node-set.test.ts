import { describe, expect, it } from 'vitest';
import { NodeSet } from '../src/node-set.ts';
import type { NodeListener, NodeSource, NodeTrouble, TipNews } from '../src/node-source.ts';
import type { PreparedTemplate } from '../src/prepare-template.ts';

class ScriptedNode implements NodeSource {
  readonly name: string;
  readonly announces = true;
  #listener: NodeListener | undefined;
  constructor(name: string) {
    this.name = name;
  }
  async start(listener: NodeListener): Promise<void> {
    this.#listener = listener;
  }
  async stop(): Promise<void> {}
  async submitBlock(): Promise<null> {
    return null;
  }
  async block(): Promise<undefined> {
    return undefined;
  }
  async variant(base: PreparedTemplate): Promise<PreparedTemplate> {
    return { ...base, fees: base.fees - 1n };
  }
  async isInChain(): Promise<boolean> {
    return false;
  }
  tip(id: number, chainwork: bigint, height = id): void {
    this.#listener?.onTip({ hash: hash(id), chainwork, height } as TipNews, 'announcement');
  }
  template(on: number, fees = 0n): void {
    this.offer({ prevHash: hash(on), fees } as PreparedTemplate);
  }
  offer(template: PreparedTemplate): void {
    this.#listener?.onTemplate(template);
  }
  health(trouble: NodeTrouble | undefined): void {
    this.#listener?.onHealth(trouble, '');
  }
}

const hash = (id: number) => new Uint8Array(32).fill(id);

async function setUp() {
  const first = new ScriptedNode('first');
  const second = new ScriptedNode('second');
  const told: string[] = [];
  const set = new NodeSet([first, second], {
    onTip: (news, node) => told.push(`tip ${news.hash[0]} by ${node}`),
    onTemplate: (template, _work, node) => told.push(`template on ${template.prevHash[0]} by ${node}`),
    onNodeHealth: () => undefined,
    onActiveNode: (node) => told.push(`active ${node ?? 'none'}`),
  });
  await set.start();
  return { first, second, told, set };
}

describe('NodeSet', () => {
  it('says of each node why it gives no work', async () => {
    const { first, second, set } = await setUp();
    first.health('unreachable');
    expect(set.reasons).toEqual(['first: unreachable', 'second: its tip is not known yet']);
    second.tip(11, 100n);
    expect(set.reasons).toEqual(['first: unreachable', 'second: no template on height 11 yet']);
    second.template(11);
    expect(set.reasons).toEqual(['first: unreachable']);
    first.health(undefined);
    first.tip(10, 90n);
    expect(set.reasons).toEqual(['first: it is at height 10, the pool on a better one at 11']);
  });

  it('takes the tip with the most chainwork, keeps ties, never goes back', async () => {
    const { first, second, told, set } = await setUp();
    first.tip(1, 100n);
    second.tip(2, 100n);
    second.tip(3, 99n);
    second.tip(4, 101n);
    expect(told).toEqual(['tip 1 by first', 'tip 4 by second']);
    expect(set.tip?.hash).toEqual(hash(4));
  });

  it('goes by height against a node that cannot tell its work, and learns it from one that can', async () => {
    const { first, second, told, set } = await setUp();
    const UNKNOWN = 0n;
    first.tip(1, 100n, 1);
    second.tip(11, UNKNOWN, 1);
    expect(told).toEqual(['tip 1 by first']);
    second.tip(2, UNKNOWN, 2);
    // Another block of that height, with more work than anything known.
    first.tip(12, 999n, 2);
    first.tip(3, 103n, 3);
    second.tip(3, UNKNOWN, 3);
    second.tip(4, UNKNOWN, 4);
    expect(told.slice(1)).toEqual(['tip 2 by second', 'tip 3 by first', 'tip 4 by second']);
    first.tip(4, 104n, 4);
    expect(told).toHaveLength(4);
    expect(set.tip?.chainwork).toBe(104n);
    // Higher, but with less work, as is known now.
    first.tip(5, 103n, 5);
    expect(told).toHaveLength(4);
  });

  it('takes templates from the first well node on the best tip alone', async () => {
    const { first, second, told } = await setUp();
    first.tip(1, 100n);
    second.tip(1, 100n);
    second.template(1);
    first.template(1);
    second.template(1);
    expect(told.slice(1)).toEqual([
      'active second',
      'template on 1 by second',
      'active first',
      'template on 1 by first',
    ]);
  });

  it('fails over and returns', async () => {
    const { first, second, told } = await setUp();
    first.tip(1, 100n);
    second.tip(1, 100n);
    first.template(1);
    second.template(1);
    told.length = 0;
    first.health('unreachable');
    expect(told).toEqual(['active second', 'template on 1 by second']);
    first.health(undefined);
    expect(told.slice(2)).toEqual(['active first', 'template on 1 by first']);
  });

  it('gives no template that stands on an older tip', async () => {
    const { first, second, told } = await setUp();
    first.tip(1, 100n);
    first.template(1);
    second.tip(2, 200n);
    told.length = 0;
    first.template(1);
    expect(told).toEqual([]);
    second.template(2);
    expect(told).toEqual(['active second', 'template on 2 by second']);
  });

  it('asks the node that gave a template for another reserve', async () => {
    const { first, second, set } = await setUp();
    first.template(1, 10n);
    const base = { prevHash: hash(1), fees: 7n } as PreparedTemplate;
    second.offer(base);
    const reserve = { outputsSize: 1, outputsSigops: 1 };
    expect(await set.variant(base, reserve)).toMatchObject({ fees: 6n });
    expect(await set.variant({ ...base }, reserve)).toBeUndefined();
  });
});
