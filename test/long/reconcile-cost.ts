// What the operator costs beside five hundred pools in which nothing happens, on a control plane with kwok's nodes:
//   npm run reconcile-cost -- [--pools 500] [--minutes 10]
// The minutes are those of each of two looks: while it asks no pod, and while it asks all. Ten hold a look at everything.
// Exit code 1 when it wrote anything, read what it need not, or used more than it may.
import { parseArgs } from 'node:util';
import { measureReconcileCost } from '../reconcile-cost/cost-run.ts';
import { broken, table } from '../reconcile-cost/report.ts';

const { values } = parseArgs({
  options: {
    pools: { type: 'string', default: '500' },
    minutes: { type: 'string', default: '10' },
  },
});
const begin = performance.now();
const report = await measureReconcileCost({
  pools: Number(values.pools),
  minutes: Number(values.minutes),
  atRest: true,
  log: (line) => console.log(`${((performance.now() - begin) / 1_000).toFixed(0).padStart(5)} s  ${line}`),
});
const mistakes = broken(report);
console.log(`\n${table(report)}\n`);
console.log(mistakes.length === 0 ? 'every promise was kept' : mistakes.map((line) => `BROKEN: ${line}`).join('\n'));
process.exit(mistakes.length === 0 ? 0 : 1);
