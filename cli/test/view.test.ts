import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Screen } from '../src/start/screen.ts';
import type { Snapshot } from '../src/start/snapshot.ts';
import { coinsText, countText, difficultyText, durationText, hashrateText } from '../src/start/units.ts';
import { blockLine, viewLine, viewLines, WORKERS_SHOWN } from '../src/start/view.ts';

const url = `stratum2+tcp://127.0.0.1:3333/${'9'.repeat(51)}`;
const snapshot: Snapshot = {
  nowMs: 1_700_000_010_000,
  uptimeMs: 83_000,
  version: '0.1.0',
  chain: 'simulated chain',
  height: 112,
  urls: [url],
  payout: 'bc1qpayout',
  connections: 2,
  channels: 3,
  hashrate: 1_234_567,
  networkDifficulty: 0.00123,
  bestDifficulty: 0.00061,
  accepted: 1234,
  rejected: new Map([
    ['difficulty-too-low', 1],
    ['stale-share', 3],
  ]),
  creditedEver: 2234,
  readBack: 1000,
  blocks: 12,
  latestBlocks: [
    {
      height: 112,
      hash: `00000000ab${'0'.repeat(48)}c0ffee`,
      worker: 'demo.1',
      reward: 312_500_000n,
      answer: 'accepted',
      atMs: 1_700_000_006_000,
    },
    {
      height: 111,
      hash: `00000000cd${'0'.repeat(48)}c0ffee`,
      worker: 'demo.2',
      reward: 5_000_000_000n,
      answer: 'inconclusive',
      atMs: 1_700_000_000_000,
    },
  ],
  workers: [
    { name: 'demo.1', hashrate: 1_000_000, lastShareAtMs: 1_700_000_009_000, rejected: 0 },
    { name: 'farm.long-name', hashrate: 234_567, lastShareAtMs: 1_699_999_900_000, rejected: 4 },
  ],
  waitingFor: [],
  notices: ['12:00:00 info  gateway  listening'],
};

describe('view', () => {
  it('shows everything that a newcomer looks for', () => {
    expect(viewLines(snapshot, 100)).toEqual([
      'Sluice 0.1.0  simulated chain, height 112  up 1 min 23 s  ready',
      '',
      '  Point a miner at',
      `    ${url}`,
      '',
      '  Pays to      bc1qpayout',
      '  Hashrate     1.23 MH/s',
      '  Next block   one in 4 s on average, at difficulty 0.00123',
      '  Best share   difficulty 0.00061, 50 % of a block',
      '  Connections  2 (3 channels)',
      '  Shares       1,234 accepted, 4 rejected (stale-share 3, difficulty-too-low 1)',
      '  Stored       2,234 shares on disk, 1,000 of them read back from earlier runs',
      '  Blocks       12 found',
      '               112  00000000ab…c0ffee  by demo.1, 3.125 BTC, accepted, 4 s ago',
      '               111  00000000cd…c0ffee  by demo.2, 50 BTC, inconclusive, 10 s ago',
      '  Workers      demo.1          1.00 MH/s  last share 1 s ago',
      '               farm.long-name   235 kH/s  last share 1 min 50 s ago, 4 rejected',
      '',
      '  12:00:00 info  gateway  listening',
    ]);
  });

  it('says what it waits for', () => {
    const waitingFor = ['template-provider: work: no node gives work', 'connection-gateway: bus: the bus is down'];
    const lines = viewLines({ ...snapshot, waitingFor }, 100);
    expect(lines[0]).toMatch(/ not ready$/);
    expect(lines).toContain('  Waiting      connection-gateway: bus: the bus is down');
    expect(viewLine({ ...snapshot, waitingFor })).toMatch(
      / \| waiting: template-provider: work: .*; connection-gateway/,
    );
  });

  it('fits a narrow terminal but for the URL, which must stay whole', () => {
    const long = viewLines(snapshot, 40).filter((line) => line.length > 40);
    expect(long).toEqual([`    ${url}`]);
  });

  it('keeps the end of a reason and of a notice, in further rows', () => {
    const notice =
      '12:00:00 warn  template-provider  node gives no work  node=127.0.0.1  trouble=unreachable  detail="refused"';
    const waitingFor = ['template-provider: work: no node gives work (127.0.0.1:8332: unreachable)'];
    const lines = viewLines({ ...snapshot, waitingFor, notices: [notice] }, 60);
    expect(lines.slice(lines.findIndex((line) => line.includes('Waiting')))).toEqual([
      '  Waiting      template-provider: work: no node gives work',
      '               (127.0.0.1:8332: unreachable)',
      '',
      '  12:00:00 warn  template-provider  node gives no work ',
      '    node=127.0.0.1  trouble=unreachable  detail="refused"',
    ]);
  });

  it('counts the workers that it does not show', () => {
    const [worker] = snapshot.workers;
    const workers = Array.from({ length: WORKERS_SHOWN + 3 }, () => worker!);
    const lines = viewLines({ ...snapshot, workers }, 100);
    expect(lines.filter((line) => line.includes('last share'))).toHaveLength(WORKERS_SHOWN);
    expect(lines).toContain('               and 3 more');
  });

  it('shows a block whole in a log', () => {
    expect(blockLine(snapshot.latestBlocks[0]!)).toBe(
      `block 112 00000000ab${'0'.repeat(48)}c0ffee found by demo.1, 3.125 BTC: accepted`,
    );
  });

  it('is one line in a log', () => {
    expect(viewLine({ ...snapshot, rejected: new Map(), readBack: 0, latestBlocks: [] })).toBe(
      'height 112 | 2 connections | 1.23 MH/s | 1,234 accepted, 0 rejected | 12 blocks found | 2,234 shares on disk',
    );
  });
});

describe('screen', () => {
  function terminal(properties: { isTTY?: boolean; columns?: number; rows?: number }) {
    const written: string[] = [];
    const out = new Writable({
      decodeStrings: false,
      write(chunk, _encoding, done) {
        written.push(String(chunk));
        done();
      },
    });
    return { screen: new Screen(Object.assign(out, properties)), written, out };
  }

  it('draws over itself on a terminal, counting lines that wrap', () => {
    const { screen, written } = terminal({ isTTY: true, columns: 50, rows: 40 });
    screen.show(snapshot);
    screen.show(snapshot);
    // Nineteen lines, of which the URL takes two rows.
    expect(url.length + 4).toBeGreaterThan(50);
    expect(written[0]?.startsWith('\r')).toBe(true);
    expect(written[1]?.startsWith('\u001b[20A\r')).toBe(true);
  });

  it('never draws more than the terminal holds', () => {
    const { screen, written } = terminal({ isTTY: true, columns: 100, rows: 8 });
    screen.show(snapshot);
    expect(written[0]?.split('\n')).toHaveLength(7);
  });

  it('takes a terminal that tells no size for one of 80 by 24', () => {
    const { screen, written } = terminal({ isTTY: true, columns: 0, rows: 0 });
    screen.show(snapshot);
    expect(written[0]).toContain('  Blocks       12 found');
  });

  it('begins on a clear screen when the terminal was resized', () => {
    const { screen, written, out } = terminal({ isTTY: true, columns: 100, rows: 40 });
    screen.show(snapshot);
    out.emit('resize');
    screen.show(snapshot);
    screen.show(snapshot);
    expect(written[1]?.startsWith('\u001b[2J\u001b[HSluice')).toBe(true);
    expect(written[2]?.startsWith('\u001b[19A\r')).toBe(true);
  });

  it('shows a block at once where there is no terminal', () => {
    const { screen, written } = terminal({});
    screen.showBlock(snapshot.latestBlocks[0]!);
    expect(written[0]).toMatch(/^22:13:26Z {2}block 112 .*\n$/);
  });

  it('writes a line every few seconds elsewhere', () => {
    const { screen, written } = terminal({});
    for (let second = 0; second < 10; second++) screen.show({ ...snapshot, nowMs: snapshot.nowMs + second * 1000 });
    expect(written).toHaveLength(2);
    expect(written[0]).toMatch(/^\d\d:\d\d:\d\dZ {2}height 112 \| .*\n$/);
  });
});

describe('units', () => {
  it('keep three digits of a hashrate', () => {
    expect([0, 7.5, 999, 999.6, 12_345, 1e6, 2.5e14].map(hashrateText)).toEqual([
      '0 H/s',
      '7.50 H/s',
      '999 H/s',
      '1.00 kH/s',
      '12.3 kH/s',
      '1.00 MH/s',
      '250 TH/s',
    ]);
  });

  it('show difficulties of any chain, and coins', () => {
    expect([0, 4.6565e-10, 0.00123456, 0.5, 1, 512, 86_400_000_000_000].map(difficultyText)).toEqual([
      '0',
      '4.66e-10',
      '0.00123',
      '0.5',
      '1.00',
      '512',
      '86.4 T',
    ]);
    expect([0n, 312_500_000n, 5_000_000_001n].map(coinsText)).toEqual(['0 BTC', '3.125 BTC', '50.00000001 BTC']);
  });

  it('show the two largest units of a duration', () => {
    expect([0, 59_999, 61_000, 3_725_000, 90_000_000, 1e14].map(durationText)).toEqual([
      '0 s',
      '59 s',
      '1 min 1 s',
      '1 h 2 min',
      '1 d 1 h',
      '3,171 years',
    ]);
    expect(countText(1234567)).toBe('1,234,567');
  });
});
