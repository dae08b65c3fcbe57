// The live view as a pure function of a snapshot: a small calm page for a terminal, one line for a log.
import type { BlockSeen, Snapshot, WorkerSeen } from './snapshot.ts';
import { coinsText, countText, difficultyText, durationText, hashrateText, plural } from './units.ts';

/** Workers shown; the others are counted. */
export const WORKERS_SHOWN = 8;
/** Rows that a notice or a reason may take; the rest of it is cut. */
const WRAPPED_ROWS = 3;
const LABEL_WIDTH = 15;
/** Expected hashes of difficulty 1, whose target is 0xffff · 2^208. */
const HASHES_OF_DIFFICULTY_1 = 2 ** 48 / 0xffff;

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

function storedText({ creditedEver, readBack }: Snapshot): string {
  const earlier = readBack === 0 ? '' : `, ${countText(readBack)} of them read back from earlier runs`;
  return `${plural(creditedEver, 'share')} on disk${earlier}`;
}

function chanceText({ hashrate, networkDifficulty }: Snapshot): string {
  if (networkDifficulty === undefined) return 'not known yet how hard it is';
  const difficulty = `difficulty ${difficultyText(networkDifficulty)}`;
  if (hashrate === 0) return difficulty;
  const seconds = (networkDifficulty * HASHES_OF_DIFFICULTY_1) / hashrate;
  return `one in ${durationText(seconds * 1_000)} on average, at ${difficulty}`;
}

function bestText({ bestDifficulty, networkDifficulty }: Snapshot): string {
  if (bestDifficulty === 0) return 'none yet';
  const best = `difficulty ${difficultyText(bestDifficulty)}`;
  if (networkDifficulty === undefined) return best;
  const part = bestDifficulty / networkDifficulty;
  return part >= 1 ? `${best}, a block` : `${best}, ${Number((part * 100).toPrecision(2))} % of a block`;
}

/** Both ends of a hash: the zeros that make it a block, and what tells it from others. */
function shortHash(hash: string): string {
  return `${hash.slice(0, 10)}…${hash.slice(-6)}`;
}

function blockRow({ height, hash, worker, reward, answer, atMs }: BlockSeen, nowMs: number): string {
  const ago = `${durationText(nowMs - atMs)} ago`;
  return `${countText(height)}  ${shortHash(hash)}  by ${worker}, ${coinsText(reward)}, ${answer}, ${ago}`;
}

/** A found block as a line of its own, with all that is needed to look it up. */
export function blockLine({ height, hash, worker, reward, answer }: BlockSeen): string {
  return `block ${height} ${hash} found by ${worker}, ${coinsText(reward)}: ${answer}`;
}

function workerRows(workers: readonly WorkerSeen[], nowMs: number): readonly string[] {
  const shown = workers.slice(0, WORKERS_SHOWN);
  const width = Math.max(0, ...shown.map(({ name }) => name.length));
  const rows = shown.map(({ name, hashrate, lastShareAtMs, rejected }) => {
    const refused = rejected === 0 ? '' : `, ${countText(rejected)} rejected`;
    const rate = hashrateText(hashrate).padStart(9);
    return `${name.padEnd(width)}  ${rate}  last share ${durationText(nowMs - lastShareAtMs)} ago${refused}`;
  });
  return workers.length > shown.length ? [...rows, `and ${countText(workers.length - shown.length)} more`] : rows;
}

/** A label beside the first of its rows. */
function section(label: string, rows: readonly string[]): readonly string[] {
  return rows.map((row, index) => `  ${(index === 0 ? label : '').padEnd(LABEL_WIDTH - 2)}${row}`);
}

/** The page, one string a line, none longer than `width`. */
export function viewLines(snapshot: Snapshot, width: number): readonly string[] {
  const { version, chain, height, uptimeMs, urls, payout, connections, channels, hashrate, nowMs } = snapshot;
  const state = snapshot.waitingFor.length === 0 ? 'ready' : 'not ready';
  const blocks = snapshot.latestBlocks.map((block) => blockRow(block, nowMs));
  const lines = [
    `Sluice ${version}  ${chain}${height === 0 ? '' : `, height ${countText(height)}`}  up ${durationText(uptimeMs)}  ${state}`,
    '',
    '  Point a miner at',
    ...urls.map((url) => `    ${url}`),
    '',
    ...section('Pays to', [payout]),
    ...section('Hashrate', [hashrateText(hashrate)]),
    ...section('Next block', [chanceText(snapshot)]),
    ...section('Best share', [bestText(snapshot)]),
    ...section('Connections', [`${countText(connections)} (${plural(channels, 'channel')})`]),
    ...section('Shares', [sharesText(snapshot)]),
    ...section('Stored', [storedText(snapshot)]),
    ...section('Blocks', [`${countText(snapshot.blocks)} found`, ...blocks]),
    ...section('Workers', workerRows(snapshot.workers, nowMs)),
  ];
  return [
    // The URL must stay whole to be copied: a terminal wraps it.
    ...lines.map((line) => (line.includes('://') ? line : cut(line, width))),
    ...snapshot.waitingFor.flatMap((reason) =>
      wrap(`  ${'Waiting'.padEnd(LABEL_WIDTH - 2)}${reason}`, width, LABEL_WIDTH),
    ),
    '',
    ...snapshot.notices.flatMap((notice) => wrap(`  ${notice}`, width, 4)),
  ];
}

function cut(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}

/** In rows that break between words, the later ones indented. */
function wrap(line: string, width: number, indent: number): readonly string[] {
  const rows: string[] = [];
  let rest = line;
  while (rest.length > width && rows.length < WRAPPED_ROWS - 1) {
    const space = rest.lastIndexOf(' ', width);
    const end = space > width / 2 ? space : width;
    rows.push(rest.slice(0, end));
    rest = `${' '.repeat(indent)}${rest.slice(end).trimStart()}`;
  }
  return [...rows, cut(rest, width)];
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
