// The objects of /api/v1, as docs/reference/proxy-api.md describes them. Names are stable and carry their units.
import { difficultyOfTarget, targetFromBytes } from '@sluice/bitcoin/target';
import type { Clock } from '@sluice/runtime/clock';
import type { ProxyCounters } from '../counters.ts';
import type { Farm } from '../miners/farm.ts';
import type { FarmMiner } from '../miners/farm-miner.ts';
import type { WorkerStatistics } from '../statistics/worker-statistics.ts';
import type { Workers } from '../statistics/workers.ts';
import type { StateChange } from '../upstream/upstream-history.ts';
import type { Upstreams } from '../upstream/upstreams.ts';

/** What the API tells of. */
export interface Shown {
  readonly clock: Clock;
  readonly counters: ProxyCounters;
  readonly farm: Farm;
  readonly workers: Workers;
  readonly upstreams: Upstreams;
}

/** Miners that are named with their worker; `clients_connected` counts all. */
const CLIENTS_OF_WORKER = 16;

export function clientView(miner: FarmMiner) {
  return {
    id: miner.id,
    worker: miner.worker?.name ?? null,
    user_agent: miner.agent,
    address: miner.remoteAddress,
    upstream: miner.base.place + 1,
    own_channel: miner.ownChannel?.isUsed ?? false,
    own_channel_refusal: miner.ownChannel?.refusal?.message ?? null,
    connected_timestamp_seconds: seconds(miner.openedMs),
    difficulty: miner.difficulty ?? null,
    hashrate_hashes_per_second: miner.hashrate,
    shares_accepted: miner.shares.accepted,
    shares_refused: miner.shares.refused,
  };
}

export function workerView(worker: WorkerStatistics, clock: Clock) {
  const nowMs = clock.monotonic();
  const { lastShareMs, bestHash } = worker;
  return {
    id: worker.id,
    name: worker.name,
    clients_connected: worker.miners.size,
    clients: [...worker.miners].slice(0, CLIENTS_OF_WORKER).map(({ id, agent, difficulty }) => ({
      id,
      user_agent: agent,
      difficulty: difficulty ?? null,
    })),
    hashrate_hashes_per_second: worker.hashrate(nowMs),
    work_hashes: worker.work,
    shares_accepted: worker.sharesAccepted,
    shares_refused: worker.refusedByCode,
    upstream_shares_refused: worker.upstreamRefusedByCode,
    best_share_difficulty: bestHash === undefined ? null : difficultyOfTarget(targetFromBytes(bestHash)),
    last_share_timestamp_seconds: lastShareMs === undefined ? null : seconds(clock.now() - (nowMs - lastShareMs)),
  };
}

export function upstreamView({ farm, upstreams }: Shown, place: number) {
  return {
    ...changeView(upstreams, upstreams.history.current(place)),
    weight: upstreams.weightOf(place) ?? null,
    payout: upstreams.payoutOf(place) ?? null,
    clients: farm.minersOf(place),
    hashrate_hashes_per_second: farm.hashrateOf(place),
    shares_in_flight: upstreams.sharesInFlightOf(place),
  };
}

export function changeView(upstreams: Upstreams, { place, state, atMs, reason, detail, times, lastMs }: StateChange) {
  return {
    place: place + 1,
    name: upstreams.nameOf(place),
    state,
    since_timestamp_seconds: seconds(atMs),
    down_reason: reason ?? null,
    down_detail: detail ?? null,
    down_times: reason === undefined ? 0 : times,
    last_timestamp_seconds: seconds(lastMs),
  };
}

/** @param startedMs of the monotonic clock. */
export function totalsView({ clock, counters, farm, workers, upstreams }: Shown, startedMs: number) {
  const active = upstreams.inUse.map((place) => place + 1);
  return {
    uptime_seconds: seconds(clock.monotonic() - startedMs),
    clients: farm.miners,
    workers: workers.size,
    hashrate_hashes_per_second: farm.miners === 0 ? 0 : farm.hashrate,
    active_upstream: active[0] ?? null,
    active_upstreams: active,
    jobs: counters.jobs,
    blocks: counters.blocks,
    solo_blocks: counters.soloBlocks,
    solo_blocks_confirmed: counters.soloBlocksConfirmed,
    shares_good: counters.sharesGood,
    shares_kept: counters.sharesKept,
    shares_forwarded: counters.sharesForwarded,
    shares_unserved: counters.sharesUnserved,
    shares_refused: occurred(counters.sharesRefused),
    upstream_shares_accepted: counters.upstreamAccepted,
    upstream_shares_refused: occurred(counters.upstreamRefused),
    upstream_shares_unanswered: counters.upstreamUnanswered,
    upstream_shares_in_flight: upstreams.sharesInFlight,
  };
}

function occurred(counts: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

function seconds(ms: number): number {
  return Math.round(ms) / 1_000;
}
