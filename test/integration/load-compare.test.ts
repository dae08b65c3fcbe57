// What a comparison writes into a document, and the comparison itself on one load of each kind, as far as it can be had here.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type RowRecord, sectionOf } from '../load/compare/section.ts';
import { withSection } from '../load/report/document-section.ts';
import { inCi } from '../support/in-ci.ts';
import { whyNoSriProgram } from '../support/sri-programs.ts';

const program = join(import.meta.dirname, '../load/compare/main.ts');
const MAX_MS = 3_600_000;

const row = {
  name: 'hold-1000',
  group: 'opening',
  title: '1,000 connections',
  connections: 1_000,
  flags: [],
  sriBatch: 1,
} as const;
const record = (sri: readonly number[], sluice: readonly number[]): RowRecord => ({
  row,
  values: {
    peer: new Map([
      ['opens/s', sri],
      ['CPU ms an open', sri],
    ]),
    ours: new Map([
      ['opens/s', sluice],
      ['CPU ms an open', sluice],
    ]),
  },
});
const sectionWith = (...records: readonly RowRecord[]) =>
  sectionOf({
    title: 'Beside another',
    names: { peer: 'another', ours: 'Sluice' },
    records,
    leftOut: [],
    failures: ['FAILED: one'],
    warnings: [],
    method: ['method'],
    diskSync: 'sync 0.2 ms',
  });

describe('the section', () => {
  it('has least, median and most, and what is behind in bold: more opens, less CPU time', () => {
    const section = sectionWith(record([30, 10, 20], [60, 40]));
    expect(section).toMatch(/^## Beside another\n/);
    expect(section).toContain('| load | figure | another | Sluice | Sluice ÷ other |');
    expect(section).toContain('| 1,000 connections | opens/s | 10 / 20 / 30 | 40 / 50 / 60 | 2.50 |');
    expect(section).toContain('|  | **CPU ms an open** | 10 / 20 / 30 | **40 / 50 / 60** | 2.50 |');
    expect(section).toContain('- FAILED: one');
    expect(section).toContain('Disk: sync 0.2 ms.');
    expect(section.split('\n').some((line) => line.includes('opens/s') && line.includes('**'))).toBe(false);
  });

  it('says that a load failed where no run of it was good', () => {
    expect(sectionWith(record([], [1]))).toContain('| 1,000 connections | opens/s | failed | 1 / 1 / 1 | – |');
  });

  it('is put at the end of a document, and later in its own place', () => {
    const first = withSection('# Title\n\ntext\n', 'load:compare', 'one\n');
    expect(first).toMatch(/^# Title\n\ntext\n\n<!-- .* -->\n\none\n\n<!-- .* -->\n$/);
    const second = withSection(`${first}\n## Below\n`, 'load:compare', 'two\n');
    expect(second).toBe(`${first.replace('one', 'two')}\n## Below\n`);
  });
});

const compare = (...flags: readonly string[]) => spawnSync(process.execPath, [program, ...flags], { encoding: 'utf8' });

describe('npm run load:compare:pool-floor', () => {
  it(
    'puts a server that only decrypts and answers under the same shares',
    () => {
      const { status, stdout, stderr } = compare('--floor', '--quick', '--rows', 'one-in-flight-1000');
      expect(status, stderr + stdout).toBe(0);
      expect(stdout).not.toMatch(/failed|– \/ –/);
      expect(stdout).toContain("| load | figure | Node's sockets | Sluice | Sluice ÷ other |");
      expect(stdout).toContain('Disk:');
    },
    MAX_MS,
  );

  it('refuses loads that have no floor', () => {
    const { status, stderr } = compare('--floor', '--rows', 'hold-1000');
    expect(status).toBe(2);
    expect(stderr).toContain('there is no floor under hold-1000');
  });
});

const missing = whyNoSriProgram('pool_sv2') ?? whyNoSriProgram('translator_sv2');
if (missing !== undefined) {
  if (inCi) throw new Error(missing);
  console.log(`skipped: ${missing}`);
}

describe.skipIf(missing !== undefined)('npm run load:compare', () => {
  it(
    'measures both pools, every process of ours included',
    () => {
      const rows = ['--rows', 'pipelined-100,hold-1000,new-tip-1000'];
      const { status, stdout, stderr } = compare('--quick', ...rows);
      expect(status, stderr + stdout).toBe(0);
      expect(stdout).not.toMatch(/failed|– \/ –/);
      for (const process of ['connection-gateway', 'share-validator', 'channel-manager', 'job-distributor'])
        expect(stdout).toContain(process);
      expect(stdout).toContain('| template-provider | job-distributor |');
      expect(stdout).toContain('nats-server |');
    },
    MAX_MS,
  );

  it(
    'measures both proxies, and how many shares went up',
    () => {
      const rows = ['--rows', 'proxy-one-in-flight-1000,proxy-hold-1000,proxy-new-tip-1000'];
      const { status, stdout, stderr } = compare('--subject', 'proxy', '--quick', ...rows);
      expect(status, stderr + stdout).toBe(0);
      expect(stdout).not.toMatch(/failed|– \/ –|by process of/);
      expect(stdout).toContain("| load | figure | SRI's translator_sv2 | sluice proxy |");
      expect(stdout).toMatch(/^[\d,]+ shares [\d,]+ with SRI's translator_sv2, of [\d,]+ [\d,]+ with Sluice/m);
      expect(stdout).not.toContain('Disk:');
    },
    MAX_MS,
  );

  it('refuses loads that it does not know, and those of another subject', () => {
    const unknown = compare('--rows', 'nothing');
    expect(unknown.status).toBe(2);
    expect(unknown.stderr).toContain('pipelined-100');
    const foreign = compare('--rows', 'proxy-hold-1000');
    expect(foreign.status).toBe(2);
    expect(foreign.stderr).toContain('proxy-hold-1000 is no load of a pool');
  });
});
