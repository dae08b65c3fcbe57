// `npm run capacity:measure`: what the model needs and no other measurement has. Writes a section of docs/capacity.md,
// from which the model has it, unless other work took the machine meanwhile. About ten minutes.
import { join } from 'node:path';
import { describeMachine, measureBusy, measureDiskSync } from '../../load/compare/machine.ts';
import { LatencyHistogram } from '../../load/measure/latency-histogram.ts';
import { MAX_BUSY, writeMeasured } from '../../load/report/document-section.ts';
import { markdownOf, show, type Table } from '../../load/report/table.ts';
import { tables } from '../table-titles.ts';
import { type AppendFigures, measureAppends, measureFanOut } from './appends.ts';
import { measureLargePool } from './large-pool.ts';
import { type PoolRunFigures, runPool } from './pool-run.ts';
import { measureTakeover } from './takeover.ts';

const DOCUMENT = join(import.meta.dirname, '../../../docs/capacity.md');
const WRITERS = [1, 8, 32, 128, 512];
const CONNECTIONS = 2_000;
const SHARES_PER_SECOND = 1_000;
const SECONDS = 10;
const GATEWAYS_TOLD = 150;
/** Of a second each. */
const QUIET_TRIES = 30;

function say(text: string): void {
  process.stderr.write(`capacity:measure: ${text}\n`);
}

async function measureStreams(): Promise<readonly AppendFigures[]> {
  const figures: AppendFigures[] = [];
  for (const servers of [1, 3] as const)
    for (const writers of WRITERS) {
      say(`appends: ${servers} server(s), ${writers} writers`);
      figures.push(await measureAppends(servers, writers));
    }
  return figures;
}

function appendTable(figures: readonly AppendFigures[]): Table {
  return {
    title: `${tables.appends}, each synced before its answer`,
    columns: ['copies', 'writers', 'appends/s', 'p50, ms', 'p99, ms', 'CPU µs of servers each'],
    rows: figures.map(({ servers, writers, perSecond, p50Ms, p99Ms, serverMicros }) => [
      String(servers),
      writers,
      Math.round(perSecond),
      p50Ms,
      p99Ms,
      serverMicros,
    ]),
  };
}

function paced(gateways: number): Promise<PoolRunFigures> {
  say(`${gateways} gateway(s), ${CONNECTIONS} connections, ${SHARES_PER_SECOND} shares a second`);
  const load = ['--mode', 'paced', '--rate', String(SHARES_PER_SECOND), '--connections', String(CONNECTIONS)];
  return runPool({ gateways, load: [...load, '--seconds', String(SECONDS), '--warm-up-seconds', '30'] });
}

function costTable(title: string, columns: readonly string[], costs: readonly ReadonlyMap<string, number>[]): Table {
  const services = [...costs[0]!.keys()];
  return {
    title,
    columns: ['process', ...columns],
    rows: services.map((service) => [service, ...costs.map((cost) => cost.get(service))]),
  };
}

let busy = 0;

/** Waits a while for others to be done; of those that are not the page is told. */
async function lookAround(): Promise<void> {
  let now = await measureBusy();
  for (let tries = 1; now > MAX_BUSY && tries < QUIET_TRIES; tries++) now = await measureBusy();
  busy = Math.max(busy, now);
}

const disk = new LatencyHistogram();
const pools: PoolRunFigures[] = [];
for (const gateways of [1, 2]) {
  await lookAround();
  pools.push(await paced(gateways));
}
await lookAround();
measureDiskSync(disk);
const streams = await measureStreams();
await lookAround();
say(`one message to ${GATEWAYS_TOLD} subscribers`);
const lastMs = await measureFanOut(GATEWAYS_TOLD);
say('the server that leads a stream of three copies is killed');
const takeover = await measureTakeover();
await lookAround();
const largePool = await measureLargePool(say);
const columns = ['one gateway', 'two gateways'];
const section = [
  '## Measured for this page',
  '',
  `\`npm run capacity:measure\` on ${new Date().toISOString().slice(0, 10)}.`,
  '',
  ...(await describeMachine()).map((line) => `- ${line}`),
  '- what is measured and what puts it under load share the cores; three servers on one machine say what three copies cost, not what they do on three machines',
  `- a 4 KiB append with fdatasync p50 ${show(disk.quantile(0.5))} ms, p99 ${show(disk.quantile(0.99))} ms`,
  `- other work took up to ${show(busy * 100)} % of the machine, looked at before each run`,
  '',
  markdownOf(appendTable(streams)),
  `A message of 100 bytes was with the last of ${GATEWAYS_TOLD} subscribers after ${show(lastMs)} ms, the median of 30; all of them were one process, whose reading is in it.`,
  '',
  `When the server of three that leads SHARES was killed, the next batch was stored ${takeover.map(show).join(', ')} s later.`,
  '',
  markdownOf(
    costTable(
      `${tables.opensByProcess}, ${show(CONNECTIONS)} connections, 100 at the same time`,
      columns,
      pools.map(({ anOpen }) => anOpen),
    ),
  ),
  markdownOf(
    costTable(
      `${tables.ownSharesByProcess}, ${show(SHARES_PER_SECOND)} a second`,
      columns,
      pools.map(({ aShare }) => aShare),
    ),
  ),
  markdownOf(largePool),
].join('\n');
process.stdout.write(`${section}\n`);
const isWritten = writeMeasured(DOCUMENT, 'capacity:measure', section, busy, say);
if (isWritten) say('now npm run capacity, which computes the page anew');
process.exit(isWritten ? 0 : 1);
