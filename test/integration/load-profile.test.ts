// How a CPU profile is read: samples of a part of its time, by function and by area.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { areaOf } from '../load/profile/areas.ts';
import { readProfile, selfTimes } from '../load/profile/cpu-profile.ts';
import { summaryOf } from '../load/profile/summary.ts';
import { run } from '../support/run.ts';

const frame = (functionName: string, url = '', lineNumber = 0) => ({ functionName, url, lineNumber });
const profile = {
  nodes: [
    { id: 1, callFrame: frame('(idle)') },
    { id: 2, callFrame: frame('(garbage collector)') },
    { id: 3, callFrame: frame('open', 'file:///srv/sluice/packages/noise/src/transport.ts', 41) },
    { id: 4, callFrame: frame('publish', 'file:///srv/sluice/node_modules/@nats-io/nats-core/lib/nats.js', 9) },
  ],
  startTime: 1_000_000,
  samples: [3, 3, 1, 4, 2, 3],
  timeDeltas: [1_000, 1_000, 5_000, 1_000, 1_000, 1_000],
};

describe('a CPU profile', () => {
  it('is read for a part of its time, without what was idle', () => {
    const times = selfTimes(profile, 1_001.5, 1_009.5);
    expect(times.map(({ name, part }) => [name, part])).toEqual([
      ['open', 1 / 3],
      ['publish', 1 / 3],
      ['(garbage collector)', 1 / 3],
    ]);
    expect(times[0]).toMatchObject({ line: 42 });
  });

  it('is summed up by area and by function', () => {
    expect(selfTimes(profile, 0, 2_000).map(areaOf)).toEqual([
      'packages/noise',
      '@nats-io/nats-core',
      'garbage collection',
    ]);
    const selfTimesOfAll = selfTimes(profile, 0, 2_000);
    const processes = [{ process: 'connection-gateway', micros: 10, systemMicros: 2, selfTimes: selfTimesOfAll }];
    const summary = summaryOf('Where the time goes', [{ title: 'paced', unit: 'a share', processes }], ['method']);
    expect(summary).toContain('| µs a share | connection-gateway |');
    expect(summary).toContain('| **all** | 10 |');
    expect(summary).toContain('| packages/noise | 6 |');
    expect(summary).toContain('| `open` | packages/noise/src/transport.ts:42 | 6 |');
  });
});

describe('a profile that Node has written', () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-profile-'));
  afterEach(() => rmSync(directory, { recursive: true }));

  it('has the clock of process.hrtime', async () => {
    const script = join(directory, 'spin.cjs');
    const lines = [
      'const now = () => Number(process.hrtime.bigint()) / 1e6;',
      'function spin(until) { while (process.hrtime.bigint() < until); }',
      'const from = now();',
      'spin(process.hrtime.bigint() + 200_000_000n);',
      'console.log(JSON.stringify([from, now()]));',
    ];
    writeFileSync(script, lines.join('\n'));
    const told = await run(process.execPath, ['--cpu-prof', '--cpu-prof-dir', directory, script]);
    const [from, to] = JSON.parse(told) as [number, number];
    const ended = Number(process.hrtime.bigint()) / 1e6;
    const file = readdirSync(directory).find((name) => name.endsWith('.cpuprofile'));
    const times = selfTimes(readProfile(join(directory, file ?? '')), from, to);
    const spinning = times.filter(({ name }) => name === 'spin' || name === 'hrtimeBigInt');
    expect(spinning.reduce((sum, { part }) => sum + part, 0)).toBeGreaterThan(0.8);
    expect(selfTimes(readProfile(join(directory, file ?? '')), ended, ended + 1_000)).toEqual([]);
  });
});
