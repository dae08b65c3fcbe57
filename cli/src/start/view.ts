// The live view as a pure function of a snapshot: a small calm page for a terminal, one line for a log.
import type { Snapshot } from './snapshot.ts';
import { countText, durationText, hashrateText, plural } from './units.ts';

/** Rejections by reason, most frequent first: `stale-share 2, duplicate-share 1`. */
function reasons(rejected: Snapshot['rejected']): string {
  return [...rejected]
    .sort(([nameA, a], [nameB, b]) => b - a || (nameA < nameB ? -1 : 1))
    .map(([name, count]) => `${name} ${countText(count)}`)
    .join(', ');
}

function sharesText({ accepted, rejected }: Snapshot): string {
  const count = [...rejected.values()].reduce((total, value) => total + value, 0);
  const why = count === 0 ? '' : ` (${reasons(rejected)})`;
  return `${countText(accepted)} accepted, ${countText(count)} rejected${why}`;
}

function blocksText({ blocks, lastBlock, nowMs }: Snapshot): string {
  if (lastBlock === undefined) return `${blocks} found`;
  const { height, hash, worker, answer, atMs } = lastBlock;
  const ago = durationText(nowMs - atMs);
  return `${countText(blocks)} found; last ${countText(height)} ${shortHash(hash)} by ${worker}, ${answer}, ${ago} ago`;
}

/** Both ends of a hash: the zeros that make it a block, and what tells it from others. */
function shortHash(hash: string): string {
  return `${hash.slice(0, 10)}…${hash.slice(-6)}`;
}

function storedText({ creditedEver, readBack }: Snapshot): string {
  const earlier = readBack === 0 ? '' : `, ${countText(readBack)} of them read back from earlier runs`;
  return `${plural(creditedEver, 'share')} on disk${earlier}`;
}

/** The page, one string a line, none longer than `width`. */
export function viewLines(snapshot: Snapshot, width: number): readonly string[] {
  const { version, chain, height, uptimeMs, url, connections, channels, hashrate, waitingFor, notices } = snapshot;
  const state = waitingFor.length === 0 ? 'ready' : 'not ready';
  const lines = [
    `Sluice ${version}  ${chain}${height === 0 ? '' : `, height ${countText(height)}`}  up ${durationText(uptimeMs)}  ${state}`,
    '',
    '  Point a miner at',
    `    ${url}`,
    '',
    `  Hashrate     ${hashrateText(hashrate)}`,
    `  Connections  ${countText(connections)} (${plural(channels, 'channel')})`,
    `  Shares       ${sharesText(snapshot)}`,
    `  Stored       ${storedText(snapshot)}`,
    `  Blocks       ${blocksText(snapshot)}`,
    ...waitingFor.map((reason) => `  Waiting      ${reason}`),
    '',
    ...notices.map((notice) => `  ${notice}`),
  ];
  // The URL must stay whole to be copied: a terminal wraps it.
  return lines.map((line) => (line.includes('://') ? line : cut(line, width)));
}

function cut(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}

/** The same as one line, where the output is not a terminal. */
export function viewLine(snapshot: Snapshot): string {
  const { connections, hashrate, blocks, height, waitingFor } = snapshot;
  const parts = [
    `height ${height}`,
    plural(connections, 'connection'),
    hashrateText(hashrate),
    sharesText(snapshot),
    `${plural(blocks, 'block')} found`,
    storedText(snapshot),
  ];
  if (waitingFor.length > 0) parts.push(`waiting: ${waitingFor.join('; ')}`);
  return parts.join(' | ');
}
