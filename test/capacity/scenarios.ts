// What is simulated for docs/capacity.md.
import type { LatencyHistogram } from '../load/measure/latency-histogram.ts';
import { assumptions, costOfShare, seconds, shareCosts } from './assumptions.ts';
import { simulateTips } from './new-tip.ts';
import { linksOf, type PoolSize, poolSize, ZONES } from './pool-size.ts';
import { type ShareWayResult, simulateShares } from './share-way.ts';
import { type StormOptions, type StormResult, simulateStorm } from './storm.ts';

const SEED = 2009;
const SHARE_SECONDS = 5;
const BLOCKS = 40;

export const sizes: readonly PoolSize[] = [1, 5].flatMap((regions) =>
  [10_000, 100_000, 1_000_000].map((miners) => poolSize(miners, regions)),
);

export function sharesOf(size: PoolSize, copies: 1 | 3): ShareWayResult {
  const { appendsOneCopy, appendsThreeCopies, appendThreeCopies } = assumptions;
  const sharesPerSecond = size.sharesPerSecond / size.gateways;
  return simulateShares({
    gateways: linksOf(size).map((link) => ({ sharesPerSecond, link })),
    oneCore: false,
    appendsPerSecond: (copies === 1 ? appendsOneCopy : appendsThreeCopies).value,
    appendAlone: copies === 1 ? 1 / appendsOneCopy.value : seconds(appendThreeCopies),
    validators: size.validators,
    seconds: SHARE_SECONDS,
    seed: SEED,
  });
}

/** From the announcement, ms. */
export function tipsOf(size: PoolSize): LatencyHistogram {
  const connections = Math.ceil(size.connectionsEach);
  const gateways = linksOf(size).map((link) => ({ connections, link }));
  return simulateTips({ gateways, blocks: BLOCKS, beside: 0 }).announced;
}

export interface Storm {
  readonly name: string;
  /** Of the plot; absent: not drawn. */
  readonly colour?: string;
  readonly options: StormOptions;
}

/** All miners in one region of three zones, one of which is lost: a million, and then fewer. */
export function storms(): readonly Storm[] {
  const usual = lostZone(1_000_000);
  const two: StormOptions = { ...usual, channelManagers: 2 };
  return [
    { name: `${usual.channelManagers} channel-managers`, colour: '#2f6fb0', options: usual },
    { name: 'the same; miners come after 5 s, all alike', options: { ...usual, comesAgain: 5 } },
    {
      name: 'the same; known after one to two minutes',
      colour: '#7a4fb0',
      options: { ...usual, noticedAfter: [60, 120] },
    },
    { name: 'two channel-managers, the default', colour: '#b02f2f', options: two },
    { name: 'two, connectionRate 30', colour: '#3a9d5d', options: { ...two, connectionRate: 30 } },
    ...[100_000, 10_000].map((miners) => {
      const options = lostZone(miners);
      return { name: `${miners.toLocaleString('en')} miners, ${options.channelManagers} channel-managers`, options };
    }),
  ];
}

function lostZone(miners: number): StormOptions {
  const size = poolSize(miners, 1);
  const { gatewaysLeft: gateways, channelManagers } = size;
  const sharesOfEach = size.sharesPerSecond / gateways;
  return {
    ...{ gateways, channelManagers, miners: Math.round(miners / ZONES) },
    busyWithShares: sharesOfEach * costOfShare(shareCosts.gateway, sharesOfEach),
    connectionRate: assumptions.connectionRate.value,
    noticedAfter: [0, 1],
    comesAgain: 'backoff',
    seconds: 300,
    seed: SEED,
  };
}

export function runStorms(): readonly { readonly storm: Storm; readonly result: StormResult }[] {
  return storms().map((storm) => ({ storm, result: simulateStorm(storm.options) }));
}
