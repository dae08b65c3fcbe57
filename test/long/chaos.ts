// Every part of a pool killed twenty times and more at random moments under 1,000 shares a second, and both sides counted:
//   node test/long/chaos.ts [--rounds N] [--connections N] [--rate SHARES_PER_SECOND] [--seed N] [--part NAME …]
// Exit code 1 when a promise was not kept.
import { parseArgs } from 'node:util';
import { chaosParts, runChaos } from '../chaos/chaos-run.ts';
import { broken, table } from '../chaos/report.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    connections: { type: 'string', default: '100' },
    rate: { type: 'string', default: '1000' },
    part: { type: 'string', multiple: true, default: [...chaosParts] },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
console.log(`seed ${values.seed}`);
const parts = chaosParts.filter((part) => values.part.includes(part));
const report = await runChaos({
  rounds: Number(values.rounds),
  parts,
  connections: Number(values.connections),
  sharesPerSecond: Number(values.rate),
  seed: Number(values.seed),
  log: console.log,
});
const mistakes = broken(report);
console.log(`\n${table(report)}\n`);
console.log(mistakes.length === 0 ? 'every promise was kept' : mistakes.map((line) => `BROKEN: ${line}`).join('\n'));
process.exit(mistakes.length === 0 ? 0 : 1);
