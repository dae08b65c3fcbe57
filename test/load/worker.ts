// A worker process: holds its part of the connections and does what the main process orders, one order after the other.
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@sluice/runtime/errors';
import { LoadConnection } from './connection.ts';
import { Kit } from './kit.ts';
import { monotonicMs } from './measure/monotonic.ts';
import { OwnLoad } from './measure/own-load.ts';
import type { MinerConnection } from './miner-connection.ts';
import { openAll } from './modes/open.ts';
import { Paced } from './modes/paced.ts';
import { Pipelined } from './modes/pipelined.ts';
import type { ShareMode } from './modes/share-mode.ts';
import { TipWatch } from './modes/tip-watch.ts';
import type {
  OpenAnswer,
  OpenOptions,
  OpenPhase,
  OrderMessage,
  Orders,
  ShareAnswer,
  ShareOptions,
  StateAnswer,
  WorkerMessage,
  WorkerPlan,
} from './orders.ts';
import { AcceptedAnswers } from './sv1/accepted-answers.ts';
import { Sv1Connection } from './sv1/connection.ts';
import { Sv1Jobs } from './sv1/jobs.ts';

const PROGRESS_MS = 1_000;
const DRAIN_STEP_MS = 5;

type Handlers = {
  readonly [K in keyof Orders]: (argument: Orders[K]['argument']) => Orders[K]['answer'] | Promise<Orders[K]['answer']>;
};

class LoadWorker implements Handlers {
  readonly #kit: Kit;
  readonly #connections: readonly MinerConnection[];
  readonly #own = new OwnLoad();
  #mode: ShareMode | undefined;
  #tips: TipWatch | undefined;

  constructor(plan: WorkerPlan) {
    this.#kit = new Kit(plan);
    const sv1 = { answers: new AcceptedAnswers(), jobs: new Sv1Jobs() };
    const connections: MinerConnection[] = [];
    for (let index = plan.worker; index < plan.connections; index += plan.workers) {
      const { protocol } = plan.pools[index % plan.pools.length]!;
      connections.push(
        protocol === 'stratum-v1'
          ? new Sv1Connection(index, connections.length, this.#kit, sv1)
          : new LoadConnection(index, connections.length, this.#kit),
      );
    }
    this.#connections = connections;
  }

  prepare(): null {
    setInterval(() => this.#tellProgress(), PROGRESS_MS).unref();
    return null;
  }

  async open(options: OpenOptions): Promise<OpenAnswer> {
    this.#kit.forgetPhases();
    this.#own.begin();
    const opened = await openAll(this.#connections, options);
    const phases = Object.entries(this.#kit.phases).map(([phase, histogram]) => [phase, histogram.data]);
    const own = this.#own.end();
    return { ...opened, own, phases: Object.fromEntries(phases) as OpenAnswer['phases'] & Record<OpenPhase, never> };
  }

  async close(): Promise<null> {
    await Promise.all(this.#connections.map((connection) => connection.close()));
    return null;
  }

  startShares(options: ShareOptions): null {
    const kit = this.#kit;
    kit.sending = true;
    this.#mode =
      options.mode === 'pipelined'
        ? new Pipelined(this.#connections, kit, options.inFlight)
        : new Paced(this.#connections, options.perSecond, options.startAt);
    this.#mode.start();
    return null;
  }

  async beginWindow(from: number): Promise<null> {
    this.#kit.window.begin(from);
    await sleep(Math.max(0, from - monotonicMs()));
    this.#own.begin();
    return null;
  }

  endWindow(to: number): Orders['endWindow']['answer'] {
    this.#kit.window.end(to);
    return this.#own.end();
  }

  async stopShares(drainMs: number): Promise<ShareAnswer> {
    this.#mode?.stop();
    this.#kit.sending = false;
    const deadline = monotonicMs() + drainMs;
    // Nothing is to be waited for on a connection that is gone.
    const waits = () => this.#unanswered(this.#connections.filter(({ isOpen }) => isOpen)) > 0;
    while (waits() && monotonicMs() < deadline) await sleep(DRAIN_STEP_MS);
    return this.#shareAnswer();
  }

  #unanswered(connections: readonly MinerConnection[]): number {
    let total = 0;
    for (const { channels } of connections) for (const { inFlight } of channels) total += inFlight.waiting;
    return total;
  }

  #shareAnswer(): ShareAnswer {
    const { counts, refusedByCode, window, search } = this.#kit;
    const channels = this.#connections.flatMap((connection) => connection.channels);
    const hashes = channels.map(({ work }) => work.hashes);
    return {
      counts: {
        ...counts,
        refused: refusedByCode,
        unanswered: this.#unanswered(this.#connections),
        skipped: this.#mode?.skipped ?? 0,
        blocksHeldBack: search.blocksHeldBack,
      },
      window: window.data,
      hashes: hashes.reduce(([least, most], each) => [Math.min(least, each), Math.max(most, each)] as const, [
        Number.POSITIVE_INFINITY,
        0,
      ] as readonly [number, number]),
      channels: new Map(
        channels.map(({ prefix, acknowledged }) => [Buffer.from(prefix).toString('hex'), acknowledged]),
      ),
    };
  }

  watchTips(timed: Orders['watchTips']['argument']): null {
    const tips = new TipWatch(this.#connections, timed, (tip) => send({ kind: 'told', tip }));
    this.#tips = tips;
    this.#kit.onTip = (connection, prevHash, now) => tips.told(connection, prevHash, now);
    return null;
  }

  tips(): Orders['tips']['answer'] {
    this.#kit.onTip = undefined;
    this.#tips?.stop();
    return this.#tips?.stamps ?? new Map();
  }

  state(): StateAnswer {
    const { lost, sent, received } = this.#kit;
    return { open: this.#open, lost, sent: sent.data, received: received.data };
  }

  get #open(): number {
    return this.#connections.reduce((count, { isOpen }) => count + (isOpen ? 1 : 0), 0);
  }

  #tellProgress(): void {
    const { sent, acknowledged, refused } = this.#kit.counts;
    send({ kind: 'progress', progress: { open: this.#open, sent, acknowledged, refused } });
  }
}

function send(message: WorkerMessage): void {
  process.send?.(message);
}

let worker: LoadWorker | undefined;
let orders = Promise.resolve();

async function obey<K extends keyof Orders>({ kind, argument }: OrderMessage<K>): Promise<void> {
  try {
    if (kind === 'prepare') worker = new LoadWorker(argument as WorkerPlan);
    const handle = (worker as Handlers)[kind].bind(worker) as Handlers[K];
    send({ kind: 'answer', answer: await handle(argument) });
  } catch (error) {
    send({ kind: 'failed', reason: messageOf(error) });
  }
}

process.on('message', (order: OrderMessage) => {
  orders = orders.then(() => obey(order));
});
process.on('disconnect', () => process.exit(0));
// The main process is told by its terminal too, and ends this one in order.
process.on('SIGINT', () => undefined);
