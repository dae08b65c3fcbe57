// Hostile peers at length against a gateway and a proxy with their usual limits, one attack after the other, and a table of what came of each:
//   npm run hostile -- [--seconds 20] [--cases half-open,handshake-storm] [--markdown FILE]
// Exit code 1 when honest miners felt more than is bearable, memory stayed in use, or the cause was not counted.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { messageOf } from '@sluice/runtime/errors';
import { floodCases, floodV1Cases, type HostileCase, slowCases, slowV1Cases } from '../hostile/cases.ts';
import { HostilePool } from '../hostile/hostile-pool.ts';
import { HostileProxy } from '../hostile/hostile-proxy.ts';
import { type HostileResult, isBearable, runCase } from '../hostile/hostile-run.ts';
import type { HostileTarget } from '../hostile/hostile-target.ts';

/** In use, after everything was collected. */
const GROWTH_MIB = 8;
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    cases: { type: 'string', default: '' },
    markdown: { type: 'string' },
  },
});
const windowMs = Number(values.seconds) * 1_000;
const pace = { beforeMs: windowMs / 2, windowMs, windows: 1, floorMs: 100, countedMs: 6 * windowMs, isLong: true };
const chosen = values.cases.split(',').filter((name) => name !== '');
const isChosen = ({ name }: HostileCase) => chosen.length === 0 || chosen.includes(name);

const lines = [
  '| attack | p99 before, ms | p99 meanwhile, ms | in use before, MiB | afterwards, MiB | most of the system, MiB | what was counted |',
  '|---|---:|---:|---:|---:|---:|---|',
];
const mistakes: string[] = [];
// Whoever ends it has its processes ended as well.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
await tryAll([...slowCases, ...floodCases].filter(isChosen), () => HostilePool.start(['--share-deadline', '10']));
await tryAll([...slowV1Cases, ...floodV1Cases].filter(isChosen), () => HostileProxy.start([]));
console.log(lines.join('\n'));
if (values.markdown !== undefined) writeFileSync(values.markdown, `${lines.join('\n')}\n`);
for (const mistake of mistakes) console.log(`BROKEN: ${mistake}`);
process.exit(mistakes.length === 0 ? 0 : 1);

async function tryAll(cases: readonly HostileCase[], start: () => Promise<HostileTarget>): Promise<void> {
  if (cases.length === 0) return;
  const target = await start();
  try {
    for (const one of cases) {
      try {
        const result = await runCase(target, one, pace);
        const line = row(one.name, result);
        lines.push(line);
        console.log(line, result.seen);
        mistakes.push(...faults(one.name, result, target.lost));
      } catch (error) {
        console.error(`${target.logs()}\n${one.name}: ${messageOf(error)}`);
        mistakes.push(`${one.name}: ${messageOf(error)}`);
      }
    }
  } finally {
    await target.stop();
  }
}

function row(name: string, { before, during, memory, counted }: HostileResult): string {
  const grown = [...counted].map(([what, by]) => `\`${what}\` ${by.toLocaleString('en')}`);
  const felt = Math.max(...during.map(({ p99 }) => p99));
  const mib = [memory.before, memory.after, memory.most].map((value) => value.toFixed(0));
  return `| ${[name, before.p99, felt, ...mib, grown.join('; ')].join(' | ')} |`;
}

function faults(name: string, { before, during, memory, missing }: HostileResult, lost: number): readonly string[] {
  return [
    ...(during.every((felt) => isBearable(before, felt, pace.floorMs)) ? [] : [`${name}: honest miners felt it`]),
    ...(memory.after - memory.before <= GROWTH_MIB ? [] : [`${name}: memory stays in use`]),
    ...missing.map((what) => `${name}: ${what}`),
    ...(lost === 0 ? [] : [`${name}: ${lost} honest miners were disconnected so far`]),
  ];
}
