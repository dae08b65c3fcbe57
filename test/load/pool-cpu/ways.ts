// The ways in which the same work of the same miners comes to a pool.
import { parseServerUrl } from '@sluice/client/server-url';
import type { PoolProcesses } from '../../support/pool-processes.ts';
import { Farm, SHARE_DIFFICULTY } from '../bandwidth/farm.ts';
import { messagesOf } from '../bandwidth/ledger.ts';
import { RelayedProxy } from '../bandwidth/relayed-proxy.ts';
import type { NamedProcess } from '../measure/server-processes.ts';

export const ways = {
  extended: { title: 'an extended channel for each miner, as Stratum V1 is served', sharesToOneUp: 1 },
  standard: { title: 'a standard channel for each miner', sharesToOneUp: 1 },
  aggregated: { title: 'one channel of the proxy, all shares', sharesToOneUp: 1 },
  'aggregated-100': { title: 'one channel of the proxy, one share of a hundred times the work', sharesToOneUp: 100 },
} as const;
export type WayName = keyof typeof ways;
export const wayNames = Object.keys(ways) as readonly WayName[];

/** One of them with its miners connected. */
export interface OpenWay {
  readonly farm: Farm;
  /** The proxy, where there is one. */
  readonly beside: readonly NamedProcess[];
  /** Shares that the pool was sent. */
  sentUp(): number;
  close(): Promise<void>;
}

export const openWay = (name: WayName, pool: PoolProcesses, miners: number): Promise<OpenWay> =>
  name === 'extended' || name === 'standard' ? openDirectly(name, pool, miners) : openAggregated(name, pool, miners);

async function openDirectly(kind: 'extended' | 'standard', pool: PoolProcesses, miners: number): Promise<OpenWay> {
  const server = parseServerUrl(`stratum2+tcp://127.0.0.1:${pool.gatewayPort()}/${pool.authorityKey}`);
  if (server === undefined) throw new Error('the gateway has no URL');
  const farm = new Farm({ server, miners, kind });
  await farm.open();
  return { farm, beside: [], sentUp: () => farm.accepted, close: () => farm.close() };
}

async function openAggregated(name: WayName, pool: PoolProcesses, miners: number): Promise<OpenWay> {
  const difficulty = SHARE_DIFFICULTY * ways[name].sharesToOneUp;
  const proxy = await RelayedProxy.start({ name: 'proxy', pool, gateway: 0, difficulty });
  const farm = new Farm({ server: proxy.server, miners });
  try {
    await farm.open();
  } catch (error) {
    await proxy.stop();
    throw error;
  }
  return {
    farm,
    beside: [{ name: 'proxy', pid: proxy.process.pid ?? 0 }],
    sentUp: () => messagesOf(proxy.relay.ledger.up, 'SubmitSharesExtended'),
    close: async () => {
      await farm.close();
      await proxy.stop();
    },
  };
}
