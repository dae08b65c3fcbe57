// What the command prints: a calm line every few seconds, or every event as a line of JSON.

import { formatServerUrl } from '@sluice/client/server-url';
import type { ClientChannel } from './channel.ts';
import type { Miner, MinerEvents } from './miner.ts';

type Write = (line: string) => void;

const UNITS = ['', 'k', 'M', 'G', 'T'] as const;

/** 6180000 → "6.18 MH/s". */
export function formatHashrate(hashesPerSecond: number): string {
  let value = hashesPerSecond;
  let unit = 0;
  for (; value >= 1_000 && unit < UNITS.length - 1; unit++) value /= 1_000;
  return `${value.toFixed(value >= 100 || unit === 0 ? 0 : 2)} ${UNITS[unit]}H/s`;
}

/** One line; also what the miner has to say for itself. */
export function statisticsLine(miner: Miner): string {
  const { submitted, accepted, rejected, rejections, blocks } = miner.statistics;
  const reasons = [...rejections].map(([code, count]) => `${code} ${count}`).join(', ');
  const parts = [
    formatHashrate(miner.hashrate()),
    `${submitted} sent`,
    `${accepted} accepted`,
    `${rejected} rejected${reasons === '' ? '' : ` (${reasons})`}`,
    `${blocks} ${blocks === 1 ? 'block' : 'blocks'}`,
  ];
  return parts.join('  ');
}

const channelFields = ({ id, kind, groupId, target, work }: ClientChannel) => ({
  channelId: id,
  kind,
  groupId,
  target: Buffer.from(target).reverse().toString('hex'),
  ...(work === undefined
    ? {}
    : { jobId: work.job.jobId, prevHash: Buffer.from(work.tip.prevHash).reverse().toString('hex') }),
});

/** `{"event":"accepted","atMs":…,…}`; hashes and targets as reversed hex. */
export function printEvents(miner: Miner, now: () => number, write: Write): void {
  const print = (event: keyof MinerEvents, fields: object) =>
    write(`${JSON.stringify({ event, atMs: now(), ...fields })}\n`);
  miner.on('connected', (pool) => print('connected', { pool: formatServerUrl(pool) }));
  miner.on('channel', (channel) => print('channel', channelFields(channel)));
  miner.on('work', (channel) => print('work', channelFields(channel)));
  miner.on('target', (channel) => print('target', channelFields(channel)));
  miner.on('submitted', (share) => print('submitted', share));
  miner.on('accepted', (answer) => print('accepted', answer));
  miner.on('rejected', (answer) => print('rejected', answer));
  miner.on('disconnected', (reason) => print('disconnected', reason));
}

/** The numbers of the statistics line, for programs. */
export function statisticsEvent(miner: Miner, now: () => number): string {
  const { hashes, submitted, accepted, rejected, rejections, blocks, connections } = miner.statistics;
  const { connected } = miner;
  return JSON.stringify({
    event: 'statistics',
    atMs: now(),
    connected,
    ...{ hashrate: Math.round(miner.hashrate()), hashes, submitted, accepted, rejected, blocks, connections },
    rejections: Object.fromEntries(rejections),
  });
}
