// A worker thread that fetches, parses and prepares templates of one bitcoind, so that megabytes of JSON never
// stand in the way of the next tip. Two requests at most are open: the long poll, and a fetch at once.
import { constants, getPriority, setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { BlockTemplate } from '../block-template.ts';
import { type CoinbaseReserve, fittingCount, type PreparedTemplate, prepareTemplate } from '../prepare-template.ts';
import { RpcClient, RpcError, RpcErrorCode } from './rpc-client.ts';
import { signetFault, templateMarkOf, templateOf } from './rpc-results.ts';
import type {
  TemplateThreadData,
  TemplateThreadReport,
  TemplateThreadRequest,
  VariantRequest,
} from './template-messages.ts';

/** bitcoind answers a long poll after a minute at the latest when its mempool has changed; an idle one may stay silent. */
const LONG_POLL_TIMEOUT_MS = 150_000;
const FETCH_TIMEOUT_MS = 20_000;
const RETRY_MS = 1_000;
/** A long poll that has not answered so long after a new tip is not one that the node knows of. */
const LONG_POLL_GRACE_MS = 2_000;

// Where cores are few, the next tip comes before the template at hand. Only Linux gives a thread a priority of its own: elsewhere this
// would slow the tip down too. Where everything has less priority already, it stays so: more is a right of root's.
const { PRIORITY_BELOW_NORMAL } = constants.priority;
if (process.platform === 'linux' && getPriority() < PRIORITY_BELOW_NORMAL) setPriority(0, PRIORITY_BELOW_NORMAL);

const { endpoint, network, reserve, pollMs } = workerData as TemplateThreadData;
const rpc = new RpcClient(endpoint);
const stopped = new AbortController();
/** A node on signet gives no template to who does not name its rules. */
const rules = network === 'signet' ? ['segwit', 'signet'] : ['segwit'];
let lastLongPollId = '';
let lastNbits = 0;
/** The template that was told last, whole: transactions that were dropped are still needed to count what fits another reserve. */
let told: { readonly number: number; readonly template: BlockTemplate } | undefined;
/** The node holds a request of ours that it answers as soon as its tip changes. */
let longPolling = false;
let fetching = false;
let fetchAgain = false;

function report(message: TemplateThreadReport): void {
  const bodies = message.kind === 'template' ? [message.template.body] : [];
  if (message.kind === 'variant' && typeof message.variant === 'object') bodies.push(message.variant.body);
  parentPort?.postMessage(
    message,
    bodies.map(({ buffer }) => buffer as ArrayBuffer),
  );
}

function reportVariant({ request, template, reserve: other }: VariantRequest): void {
  report({ kind: 'variant', request, variant: told?.number === template ? variantOf(told.template, other) : 'gone' });
}

const variantOf = (template: BlockTemplate, other: CoinbaseReserve): PreparedTemplate | 'same' =>
  fittingCount(template, other) === fittingCount(template, reserve) ? 'same' : prepareTemplate(template, other);

/** @throws RpcError, UnexpectedAnswer, and Error for a signet that asks for a signature. */
async function requestTemplate(after: string | undefined): Promise<void> {
  const request = { rules, ...(after === undefined ? {} : { longpollid: after }) };
  const timeoutMs = after === undefined ? FETCH_TIMEOUT_MS : LONG_POLL_TIMEOUT_MS;
  const answer = await rpc.call('getblocktemplate', [request], { timeoutMs, signal: stopped.signal });
  const { longPollId, nbits } = templateMarkOf(answer.result);
  // The same id is the same template, but for a test network's target: thousands of transactions need not be read again.
  if (longPollId === lastLongPollId && nbits === lastNbits) {
    report({ kind: 'unchanged' });
    return;
  }
  const { template, signetChallenge } = templateOf(answer.result);
  const fault = signetFault(signetChallenge);
  if (fault !== undefined) throw new Error(fault);
  lastLongPollId = longPollId;
  lastNbits = nbits;
  told = { number: (told?.number ?? 0) + 1, template };
  report({ kind: 'template', number: told.number, template: prepareTemplate(template, reserve) });
}

function reportFailure(error: unknown): void {
  if (stopped.signal.aborted) return;
  report({
    kind: 'failure',
    unauthorized: error instanceof RpcError && error.code === RpcErrorCode.unauthorized,
    detail: error instanceof Error ? error.message : String(error),
  });
}

async function fetchNow(): Promise<void> {
  if (fetching) {
    fetchAgain = true;
    return;
  }
  fetching = true;
  do {
    fetchAgain = false;
    await requestTemplate(undefined).catch(reportFailure);
  } while (fetchAgain && !stopped.signal.aborted);
  fetching = false;
}

async function longPoll(): Promise<void> {
  while (!stopped.signal.aborted) {
    try {
      longPolling = lastLongPollId !== '';
      await requestTemplate(longPolling ? lastLongPollId : undefined);
    } catch {
      longPolling = false;
      // A long poll that ran out of time is no failure of the node, a lost connection is: a fetch at once tells which.
      await fetchNow();
      await sleep(RETRY_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  }
}

const poll = setInterval(() => void fetchNow(), pollMs);

/** Two answers of megabytes to one tip would only delay each other: the long poll is given a moment to answer. */
async function onTipChanged(): Promise<void> {
  const before = lastLongPollId;
  if (longPolling) await sleep(LONG_POLL_GRACE_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
  if (lastLongPollId === before && !stopped.signal.aborted) await fetchNow();
}

parentPort?.on('message', (request: TemplateThreadRequest) => {
  if (request === 'tip-changed') void onTipChanged();
  else if (request === 'fetch') void fetchNow();
  else if (request !== 'stop') reportVariant(request);
  else {
    stopped.abort();
    clearInterval(poll);
    parentPort?.close();
  }
});
void longPoll();
