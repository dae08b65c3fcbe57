import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSv1Counters } from '../../src/sv1/counters.ts';
import { FIRST_ID_BOUND, JobLines } from '../../src/sv1/job-lines.ts';
import { ScriptedFarm } from './support/scripted-farm.ts';

/** The text stands among others, as in a line. */
function jobIdOf(lines: JobLines, text: string): number {
  const bytes = Buffer.from(`1${text}1`);
  return lines.jobIdIn(bytes, 1, bytes.length - 1);
}

const idOf = (line: Buffer) => (JSON.parse(String(line)).params as readonly string[])[0] ?? '';

test('every id is short, comes once, and leads back to its job', () => {
  fc.assert(
    fc.property(
      fc.nat(FIRST_ID_BOUND - 1),
      fc.uniqueArray(fc.integer({ min: 1, max: 0xffff_ffff }), { minLength: 1, maxLength: 20 }),
      fc.nat(100_000),
      (firstId, jobIds, repeat) => {
        const lines = new JobLines(firstId, 60, createSv1Counters());
        const farm = new ScriptedFarm();
        const ids = jobIds.flatMap((id) => {
          const job = farm.makeJob({ id });
          const told = [0, repeat + 1].map((count) => idOf(lines.line(job, count, false)));
          for (const text of told) expect(jobIdOf(lines, text)).toBe(id);
          return told;
        });
        expect(new Set(ids).size).toBe(ids.length);
        // `fitsDevices` reckons with so many.
        for (const { length } of ids) expect(length).toBeLessThanOrEqual(16);
      },
    ),
  );
});

test.each([
  '',
  'A',
  '1-A',
  '1'.repeat(10),
  `1-${'1'.repeat(9)}`,
  '-',
  '-1',
  '1-',
  'x',
  '1-1-1',
  ' 1',
  '1\n',
  '1'.repeat(20),
  '0x1',
  '1.0',
  '1e5-x',
])('%j is no job', (text) => {
  expect(jobIdOf(new JobLines(0, 60, createSv1Counters()), text)).toBe(0);
});

test('a line is made once for all who are told at the same time', () => {
  const lines = new JobLines(0, 60, createSv1Counters());
  const job = new ScriptedFarm().makeJob();
  const first = lines.line(job, 0, true);
  expect(lines.line(job, 0, true)).toBe(first);
  expect(lines.line(job, 0, false)).not.toBe(first);
  for (let repeat = 1; repeat < 10; repeat++)
    expect(lines.line(job, repeat, false)).toBe(lines.line(job, repeat, false));
  expect(lines.line(job, 0, true)).toEqual(first);
});
