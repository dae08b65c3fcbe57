// What a resting operator cost, as a table for people, and as the list of what it breaks.
import { type CostLook, type CostReport, GATEWAYS_PER_POOL } from './cost-run.ts';

/** Part of a core, where no pod is asked and where all are. */
const UNASKED_CPU_BOUND = 0.05;
const ASKED_CPU_BOUND = 0.15;
const RSS_BOUND_BYTES = 400e6;
/** A gateway is asked at least this often: a weaker load proves less. */
const ASKED_EVERY_S = 15;
/** Each pool is looked at again after three minutes, or up to a tenth later, for its keys. */
const RECONCILED_EVERY_S = 200;

/** What is asked of the API server though nothing happens. */
const restful: ReadonlySet<string> = new Set([
  'get leases',
  'update leases',
  // Secrets are read by their names: keys every three minutes; what orders are signed with, users of the bus and of nodes every ten.
  'get secrets',
  // Whether there are PodMonitors, which a cluster may not have: every ten minutes.
  'get /apis/monitoring.coreos.com/v1',
]);
const isRestful = (request: string) => request.startsWith('watch ') || restful.has(request);

/** Every promise that was not kept; empty: all were. */
export function broken({ pools, unasked, asked }: CostReport): string[] {
  // A look begins in the middle of somebody's turn.
  const turns = Math.max(1, Math.floor(asked.seconds / ASKED_EVERY_S) - 1);
  const expected = pools * GATEWAYS_PER_POOL * turns;
  const rules: readonly (readonly [boolean, string])[] = [
    ...ofBoth('no pod asked', unasked, pools, UNASKED_CPU_BOUND),
    ...ofBoth('all pods asked', asked, pools, ASKED_CPU_BOUND),
    [unasked.answers === 0, `${unasked.answers} pods were asked that have no address`],
    [asked.gatewayAnswers >= expected, `gateways were asked ${asked.gatewayAnswers} times, not ${expected}`],
  ];
  return rules.flatMap(([kept, text]) => (kept ? [] : [text]));
}

function ofBoth(
  name: string,
  look: CostLook,
  pools: number,
  cpuBound: number,
): readonly (readonly [boolean, string])[] {
  const others = [...look.requests].filter(([request]) => !isRestful(request));
  const told = others.map(([request, count]) => `${count} × ${request}`).join(', ');
  const rounds = Math.floor(look.seconds / RECONCILED_EVERY_S);
  return [
    [look.requests.has('update leases'), `${name}: the audit log has nothing of the operator`],
    [others.length === 0, `${name}: the API server was asked for ${told}`],
    [look.orders === 0, `${name}: ${look.orders} orders to pods`],
    [look.reconciles >= pools * rounds, `${name}: ${look.reconciles} reconciliations, not ${pools * rounds}`],
    [cpuOf(look) <= cpuBound, `${name}: ${percent(cpuOf(look))} of a core, where ${percent(cpuBound)} may be`],
    [look.maxRssBytes <= RSS_BOUND_BYTES, `${name}: ${megabytes(look.maxRssBytes)}, where 400 MB may be`],
  ];
}

export function table({ pools, pods, objects, unasked, asked }: CostReport): string {
  const looks = [unasked, asked];
  const row = (name: string, of: (look: CostLook) => string) =>
    `${name.padEnd(44)}${looks.map((look) => of(look).padStart(16)).join('')}`;
  const requests = [...new Set(looks.flatMap((look) => [...look.requests.keys()]))].sort();
  return [
    `${pools} pools, ${pods} pods, ${objects} objects watched`,
    `${''.padEnd(44)}${['no pod asked', 'all pods asked'].map((head) => head.padStart(16)).join('')}`,
    row('before it, until pools were at rest', ({ restedSeconds }) => `${restedSeconds.toFixed(0)} s`),
    row('time', ({ seconds }) => `${seconds.toFixed(0)} s`),
    row('CPU of a core', (look) => percent(cpuOf(look))),
    row('memory at most', ({ maxRssBytes }) => megabytes(maxRssBytes)),
    row('reconciliations of pools', ({ reconciles }) => String(reconciles)),
    row('questions to pods a second', ({ answers, seconds }) => (answers / seconds).toFixed(1)),
    ...requests.map((request) => row(request, (look) => String(look.requests.get(request) ?? 0))),
  ].join('\n');
}

const cpuOf = ({ cpuSeconds, seconds }: CostLook) => cpuSeconds / seconds;
const percent = (part: number) => `${(part * 100).toFixed(1)} %`;
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
