// Every part of a pool killed twenty times at random moments under 1,000 shares a second, and both sides counted:
//   npm run chaos -- [--rounds N] [--connections N] [--rate SHARES_PER_SECOND] [--seed N] [--part NAME …]
// Exit code 1 when a promise was not kept, 2 when there is no part of that name.
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
const unknown = values.part.filter((name) => !chaosParts.some((part) => part === name));
if (unknown.length > 0) {
  console.error(`no part ${unknown.join(', ')}; there are ${chaosParts.join(', ')}`);
  process.exit(2);
}
const parts = chaosParts.filter((part) => values.part.includes(part));
console.log(`seed ${values.seed}`);
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
