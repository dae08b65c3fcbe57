// How long a block of somebody else takes from bitcoind's announcement to SetNewPrevHash at the miners, with every service, nats-server
// and bitcoind as processes of their own, and the node's templates so large that the next one is still being made when a tip comes:
//   npm run latency:tip -- [--blocks 400] [--miners 100] [--interval-ms 300] [--template-bytes 1600000] [--smoke]
// Of the gaps between blocks every second one is so short that the template for the block before is still in the making.
// Exit code 1 when a budget is missed, a miner was not told, or the templates were too small. With --smoke, for a busy machine and few
// blocks, only that every miner was told once, and the half of all tips within 50 ms.
import { cpus, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { JobRecord } from '@sluice/bus/payloads/job-record';
import { Template } from '@sluice/bus/payloads/template';
import { TipNews } from '@sluice/bus/payloads/tip-news';
import { subjectPattern } from '@sluice/bus/subjects';
import { randomFraction } from '@sluice/runtime/random';
import { Bitcoind } from '../support/bitcoind.ts';
import { fillMempool, fundWallet, largeTransactions } from '../support/mempool.ts';
import { PoolProcesses } from '../support/pool-processes.ts';
import { Sv2Client } from '../support/sv2-client.ts';
import { waitFor } from '../support/wait-for.ts';
import { announcementLog, announcementsOf, clockOffset } from './announcements.ts';
import { percentile, type Tip, TipRecord } from './tip-record.ts';

const MEDIAN_BUDGET_MS = 5;
const P99_BUDGET_MS = 20;
const SMOKE_MEDIAN_MS = 50;
const MIN_TEMPLATE_BYTES = 1_500_000;
/** Blocks before the count: compiled code, open connections. */
const WARM_UP = 20;
const TOLD_WITHIN_MS = 5_000;
/** A short gap is up to this long: about what a node and we take for a template. */
const SHORT_GAP_MS = 80;
/** As exactly as two clocks are compared. */
const CLOCK_STEP_MS = 0.1;

const { values } = parseArgs({
  options: {
    blocks: { type: 'string', default: '400' },
    miners: { type: 'string', default: '100' },
    'interval-ms': { type: 'string', default: '300' },
    'template-bytes': { type: 'string', default: '1600000' },
    smoke: { type: 'boolean', default: false },
  },
});
const blocks = Number(values.blocks);
const minerCount = Number(values.miners);
const intervalMs = Number(values['interval-ms']);

const record = new TipRecord();
/** Of the two clocks, when a block was asked for: by its hash, hexadecimal in wire order. */
const offsets = new Map<string, bigint>();
const bitcoind = await Bitcoind.start({ extraArguments: [...largeTransactions, ...announcementLog] });
let pool: PoolProcesses | undefined;
let mistakes: readonly string[];
try {
  await fundWallet(bitcoind);
  await fillMempool(bitcoind, Number(values['template-bytes']));
  pool = await PoolProcesses.start({
    chain: { bitcoinds: [bitcoind] },
    sharesPerMinute: 6,
    easiestDifficulty: 1e-10,
  });
  await followBus(pool);
  const miners = await connectMiners(pool);
  const templateBytes = await mineEmptyBlocks(WARM_UP + blocks, miners);
  const announced = announcementsOf(bitcoind.directory);
  for (const [name, offset] of offsets) {
    const at = announced.get(name);
    if (at !== undefined) record.announced(name, at - offset);
  }
  mistakes = report(record.tips.slice(-blocks), templateBytes);
  await Promise.all(miners.map((miner) => miner.close()));
} finally {
  await pool?.stop();
  await bitcoind.stop();
}
for (const mistake of mistakes) console.log(`MISSED: ${mistake}`);
process.exit(mistakes.length === 0 ? 0 : 1);

/** Stamps what passes on the bus, for the share of each hop. */
async function followBus(of: PoolProcesses): Promise<void> {
  const connection = await of.bus();
  connection.subscribe(subjectPattern('tip'), (payload) => record.onBus('tip', TipNews.decode(payload).hash));
  connection.subscribe(subjectPattern('jobs'), (payload) => {
    const job = JobRecord.decode(payload);
    if (job.kind === 'activate') record.onBus('activate', job.prevHash);
  });
  connection.subscribe(subjectPattern('template'), (payload) =>
    record.onBus('template', Template.decode(payload).prevHash),
  );
}

/** A third take standard jobs only, the others have an extended channel each. */
async function connectMiners(of: PoolProcesses): Promise<readonly Sv2Client[]> {
  const { authorityKey } = of;
  const port = of.gatewayPort();
  const miners: Sv2Client[] = [];
  for (let index = 0; index < minerCount; index++) {
    const standardJobsOnly = index % 3 === 0;
    const onTip = (prevHash: Uint8Array) => record.told(prevHash);
    const miner = await Sv2Client.connect({ port, authorityKey, standardJobsOnly, onTip });
    const options = { identity: `latency.${index}`, hashRate: 1e12 };
    await (standardJobsOnly ? miner.openStandard(options) : miner.openExtended(options));
    miners.push(miner);
  }
  return miners;
}

/** Mines blocks without transactions, so that the mempool stays full; returns the bytes of the smallest template seen. */
async function mineEmptyBlocks(count: number, miners: readonly Sv2Client[]): Promise<number> {
  let smallest = Number.POSITIVE_INFINITY;
  let short = true;
  let name = '';
  const allTold = () => record.tellings(name) >= miners.length;
  const { descriptor } = await bitcoind.rpc('getdescriptorinfo', ['raw(5109)']);
  for (let block = 0; block < count; block++) {
    if (block % 50 === 0) smallest = Math.min(smallest, await bytesOfTemplate());
    const offset = clockOffset();
    const calledAt = process.hrtime.bigint();
    const { hash } = await bitcoind.rpc('generateblock', [descriptor, []]);
    name = Buffer.from(hash, 'hex').reverse().toString('hex');
    offsets.set(name, offset);
    record.called(name, calledAt);
    await sleep(short ? randomFraction() * SHORT_GAP_MS : 2 * intervalMs - SHORT_GAP_MS / 2);
    short = !short;
    if (!short) await waitFor(allTold, TOLD_WITHIN_MS);
  }
  await waitFor(allTold, TOLD_WITHIN_MS);
  return Math.min(smallest, await bytesOfTemplate());
}

async function bytesOfTemplate(): Promise<number> {
  const { transactions } = await bitcoind.rpc('getblocktemplate', [{ rules: ['segwit'] }]);
  return (transactions as readonly { readonly data: string }[]).reduce((sum, { data }) => sum + data.length / 2, 0);
}

/** Prints the figures; returns what is not as it should be. */
function report(tips: readonly Tip[], templateBytes: number): readonly string[] {
  const busy = tips.filter(({ templatePending }) => templatePending);
  console.log(`${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}, load ${loadavg()[0]?.toFixed(1)}`);
  console.log(
    `${tips.length} blocks, ${minerCount} miners, templates of ${(templateBytes / 1e6).toFixed(2)} MB and more`,
  );
  table(`all ${tips.length} blocks`, tips);
  table(`the ${busy.length} blocks that came while the template for the one before was still being made`, busy);
  const early = tips.filter(({ call }) => call > CLOCK_STEP_MS).length;
  const untold = tips.filter(({ tellings }) => tellings !== minerCount).length;
  const rules: readonly Rule[] = [
    [tips.length >= blocks, `only ${tips.length} blocks were measured`],
    [untold === 0, `${untold} blocks were not told to each miner once`],
    [early === 0, `${early} announcements were before the call that made the block: the clocks do not agree`],
    ...(values.smoke ? smokeRules(tips) : budgetRules(tips, busy, templateBytes)),
  ];
  return rules.flatMap(([kept, text]) => (kept ? [] : [text]));
}

type Rule = readonly [kept: boolean, text: string];

function smokeRules(tips: readonly Tip[]): readonly Rule[] {
  const median = percentile(
    tips.map(({ first }) => first),
    0.5,
  );
  return [[median <= SMOKE_MEDIAN_MS, `median of ${tips.length} blocks over ${SMOKE_MEDIAN_MS} ms`]];
}

function budgetRules(tips: readonly Tip[], busy: readonly Tip[], templateBytes: number): readonly Rule[] {
  return [
    [busy.length >= blocks / 5, `at only ${busy.length} blocks a template was in the making`],
    [templateBytes >= MIN_TEMPLATE_BYTES, `a template of only ${templateBytes} bytes`],
    ...[tips, busy].flatMap((some) => {
      const first = some.map((tip) => tip.first);
      return [
        [percentile(first, 0.5) <= MEDIAN_BUDGET_MS, `median of ${some.length} blocks over ${MEDIAN_BUDGET_MS} ms`],
        [percentile(first, 0.99) <= P99_BUDGET_MS, `99th percentile of ${some.length} over ${P99_BUDGET_MS} ms`],
      ] as const;
    }),
  ];
}

function table(name: string, tips: readonly Tip[]): void {
  console.log(`\n| ms after the announcement, ${name} | p50 | p95 | p99 | max |\n|---|---|---|---|---|`);
  line(
    'news of the tip on the bus',
    tips.map((tip) => tip.tip),
  );
  line(
    'activation of the prepared job on the bus',
    tips.map((tip) => tip.activate),
  );
  line(
    '**first miner told**',
    tips.map((tip) => tip.first),
  );
  line(
    `last of ${minerCount} miners told`,
    tips.map((tip) => tip.last),
  );
  line(
    'the call that made the block, before it',
    tips.map((tip) => -tip.call),
  );
}

function line(name: string, ms: readonly number[]): void {
  const seen = ms.filter((value) => !Number.isNaN(value));
  const cells = [0.5, 0.95, 0.99, 1].map((part) => percentile(seen, part).toFixed(2));
  console.log(`| ${name} | ${cells.join(' | ')} |`);
}
