// `npm run capacity`: what a pool of up to a million miners takes, from measured costs. Writes a part of docs/capacity.md and its plots. Seeded: the
// same each time. Half a minute.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeSection } from '../load/report/document-section.ts';
import { type AckCurve, plotAcks, plotStorms, plotTips } from './plots.ts';
import { poolSize } from './pool-size.ts';
import { realRuns } from './real-runs.ts';
import type { CapacityRecord, SimulatedSize } from './record.ts';
import { runStorms, sharesOf, sizes, tipsOf } from './scenarios.ts';
import { sectionOf } from './section.ts';

const DOCS = join(import.meta.dirname, '../../docs');
const CURVE = [10, 50, 100, 150, 200, 300, 400, 500, 600, 800, 1_000];

function simulated(size: SimulatedSize['size']): SimulatedSize {
  return { size, oneCopy: sharesOf(size, 1), threeCopies: sharesOf(size, 3), tips: tipsOf(size) };
}

function curve(text: string, copies: 1 | 3): AckCurve {
  const points = CURVE.map((thousands) => {
    const { latency } = sharesOf(poolSize(thousands * 1_000, 1), copies);
    return { miners: thousands * 1_000, p50: latency.quantile(0.5), p99: latency.quantile(0.99) };
  });
  return { text, points };
}

function plot(name: string, text: string): void {
  writeFileSync(join(DOCS, 'capacity', `${name}.svg`), text);
}

const record: CapacityRecord = { real: realRuns(), sizes: sizes.map(simulated), storms: runStorms() };
const section = sectionOf(record);
process.stdout.write(`${section}\n`);
writeSection(join(DOCS, 'capacity.md'), 'capacity', section);
mkdirSync(join(DOCS, 'capacity'), { recursive: true });
plot('acks', plotAcks([curve('one copy of the stream', 1), curve('three copies', 3)]));
plot(
  'tips',
  plotTips(
    record.sizes
      .filter(({ size }) => size.miners === 1_000_000)
      .map(({ size, tips }) => ({ text: size.regions === 1 ? 'one region' : `${size.regions} regions`, told: tips })),
  ),
);
plot('storms', plotStorms(record.storms));
