// Two whole pools of ours, each behind a way of its own that can be cut. Their tips differ, so that jobs tell which pool they are of.
import { LocalPool } from './local-pool.ts';
import { TcpRelay } from './tcp-relay.ts';

export class TwoPools {
  readonly pools: readonly [LocalPool, LocalPool];
  readonly ways: readonly [TcpRelay, TcpRelay];

  private constructor(pools: readonly [LocalPool, LocalPool], ways: readonly [TcpRelay, TcpRelay]) {
    this.pools = pools;
    this.ways = ways;
  }

  /** @param nbits compact target of the blocks of both. */
  static async start(nbits: number): Promise<TwoPools> {
    const pools = await Promise.all([LocalPool.start({ nbits }), LocalPool.start({ nbits })]);
    pools[1].chain.mineBlock();
    const wayTo = ({ address }: LocalPool) => TcpRelay.start(Number(address.split(':')[1]));
    return new TwoPools(pools, await Promise.all([wayTo(pools[0]), wayTo(pools[1])]));
  }

  /** Where the ways to them begin. */
  get upstreams(): readonly [Upstream, Upstream] {
    const [first, second] = this.pools;
    return [upstream(this.ways[0], first), upstream(this.ways[1], second)];
  }

  /** Shares that either has credited to anybody. */
  async credited(): Promise<number> {
    const credits = await Promise.all(this.pools.map((pool) => pool.credits()));
    return credits.flatMap((each) => [...each.values()]).reduce((total, { shares }) => total + shares, 0);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.ways, ...this.pools].map((part) => part.stop()));
  }
}

interface Upstream {
  /** `127.0.0.1:PORT` */
  readonly address: string;
  readonly authorityKey: string;
}

const upstream = (way: TcpRelay, { authorityKey }: LocalPool): Upstream => ({
  address: `127.0.0.1:${way.port}`,
  authorityKey,
});
