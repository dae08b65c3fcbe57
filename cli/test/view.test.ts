import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Screen } from '../src/start/screen.ts';
import type { Snapshot } from '../src/start/snapshot.ts';
import { countText, durationText, hashrateText } from '../src/start/units.ts';
import { viewLine, viewLines } from '../src/start/view.ts';

const url = `stratum2+tcp://127.0.0.1:3333/${'9'.repeat(51)}`;
const snapshot: Snapshot = {
  nowMs: 1_700_000_010_000,
  uptimeMs: 83_000,
  version: '0.1.0',
  chain: 'simulated chain',
  height: 112,
  url,
  connections: 2,
  channels: 3,
  hashrate: 1_234_567,
  accepted: 1234,
  rejected: new Map([
    ['difficulty-too-low', 1],
    ['stale-share', 3],
  ]),
  creditedEver: 2234,
  readBack: 1000,
  blocks: 12,
  lastBlock: {
    height: 112,
    hash: `00000000ab${'0'.repeat(48)}c0ffee`,
    worker: 'demo.1',
    answer: 'accepted',
    atMs: 1_700_000_006_000,
  },
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
      '  Hashrate     1.23 MH/s',
      '  Connections  2 (3 channels)',
      '  Shares       1,234 accepted, 4 rejected (stale-share 3, difficulty-too-low 1)',
      '  Stored       2,234 shares on disk, 1,000 of them read back from earlier runs',
      '  Blocks       12 found; last 112 00000000ab…c0ffee by demo.1, accepted, 4 s ago',
      '',
      '  12:00:00 info  gateway  listening',
    ]);
  });

  it('says what it waits for', () => {
    const waitingFor = ['template-provider: work: no node gives work', 'connection-gateway: work: no job yet'];
    const lines = viewLines({ ...snapshot, waitingFor }, 100);
    expect(lines[0]).toMatch(/ not ready$/);
    expect(lines).toContain('  Waiting      connection-gateway: work: no job yet');
    expect(viewLine({ ...snapshot, waitingFor })).toMatch(
      / \| waiting: template-provider: work: .*; connection-gateway/,
    );
  });

  it('fits a narrow terminal but for the URL, which must stay whole', () => {
    const long = viewLines(snapshot, 40).filter((line) => line.length > 40);
    expect(long).toEqual([`    ${url}`]);
  });

  it('is one line in a log', () => {
    expect(viewLine({ ...snapshot, rejected: new Map(), readBack: 0, lastBlock: undefined })).toBe(
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
    return { screen: new Screen(Object.assign(out, properties)), written };
  }

  it('draws over itself on a terminal, counting lines that wrap', () => {
    const { screen, written } = terminal({ isTTY: true, columns: 50, rows: 40 });
    screen.show(snapshot);
    screen.show(snapshot);
    // Twelve lines, of which the URL takes two rows.
    expect(url.length + 4).toBeGreaterThan(50);
    expect(written[0]?.startsWith('\r')).toBe(true);
    expect(written[1]?.startsWith('\u001b[13A\r')).toBe(true);
  });

  it('never draws more than the terminal holds', () => {
    const { screen, written } = terminal({ isTTY: true, columns: 100, rows: 8 });
    screen.show(snapshot);
    expect(written[0]?.split('\n')).toHaveLength(7);
  });

  it('writes a line every few seconds elsewhere', () => {
    const { screen, written } = terminal({});
    for (let second = 0; second < 10; second++) screen.show({ ...snapshot, nowMs: snapshot.nowMs + second * 1000 });
    expect(written).toHaveLength(2);
    expect(written[0]).toMatch(/^\d\d:\d\d:\d\d {2}height 112 \| .*\n$/);
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

  it('show the two largest units of a duration', () => {
    expect([0, 59_999, 61_000, 3_725_000, 90_000_000].map(durationText)).toEqual([
      '0 s',
      '59 s',
      '1 min 1 s',
      '1 h 2 min',
      '1 d 1 h',
    ]);
    expect(countText(1234567)).toBe('1,234,567');
  });
});
