// The way of shares, as docs/flows/share.md has it: they come by chance, a gateway judges them and collects a batch, one batch of each gateway is
// on its way to the stream, and its acknowledgement is written to each miner.
import { seededRandom } from '../../packages/mining/simulation/random.ts';
import { LatencyHistogram } from '../load/measure/latency-histogram.ts';
import { arrive } from './arrivals.ts';
import { assumptions, costOfShare, seconds, shareCosts } from './assumptions.ts';
import { Simulation } from './simulation.ts';
import { Station } from './station.ts';

const WINDOW = seconds(assumptions.shareWindow);
const WORTH_AN_APPEND = assumptions.sharesWorthAnAppend.value;
/** Part of a gateway's work for a share that is done before the append; the rest is the answer. */
const BEFORE_APPEND = 0.5;
const WARM_UP_SECONDS = 2;

export interface GatewayLoad {
  /** Shares that come whatever becomes of others, a second; or, with `inFlight`, what the costs of a share are taken for. */
  readonly sharesPerSecond: number;
  /** Miners that send their next share when the last is acknowledged, in place of shares that come by chance. */
  readonly inFlight?: number;
  /** To the stream, one way, in seconds. */
  readonly link: number;
}

export interface ShareWayOptions {
  readonly gateways: readonly GatewayLoad[];
  /** Everything on one core, as where it was measured; else each process has its own. */
  readonly oneCore: boolean;
  /** Appends a second that the stream takes at most; not looked at with one core. */
  readonly appendsPerSecond: number;
  /** What an append takes when it is the only one, in seconds. */
  readonly appendAlone: number;
  /** Processes of share-validator. */
  readonly validators: number;
  readonly seconds: number;
  readonly seed: number;
}

export interface ShareWayResult {
  /** From a share's arrival to its answer, ms. */
  readonly latency: LatencyHistogram;
  readonly sharesPerSecond: number;
  readonly appendsPerSecond: number;
  /** Part of the time in which the stream worked. */
  readonly streamBusy: number;
}

export function simulateShares(options: ShareWayOptions): ShareWayResult {
  const simulation = new Simulation();
  const core = new Station(simulation);
  const way: Way = {
    simulation,
    stream: options.oneCore ? core : new Station(simulation),
    validators: options.oneCore ? core : new Station(simulation, options.validators),
    append: options.oneCore ? seconds(assumptions.appendCpu) : 1 / options.appendsPerSecond,
    sync: options.oneCore ? seconds(assumptions.sync) : Math.max(0, options.appendAlone - 1 / options.appendsPerSecond),
    latency: new LatencyHistogram(),
    appends: 0,
  };
  const random = seededRandom(options.seed);
  for (const load of options.gateways)
    new ModelGateway(load, options.oneCore ? core : new Station(simulation), way).start(random);
  const end = WARM_UP_SECONDS + options.seconds;
  simulation.runUntil(end);
  return {
    latency: way.latency,
    sharesPerSecond: way.latency.count / options.seconds,
    appendsPerSecond: way.appends / options.seconds,
    streamBusy: way.stream.busySeconds / end,
  };
}

interface Way {
  readonly simulation: Simulation;
  readonly stream: Station;
  readonly validators: Station;
  /** What an append keeps the stream busy for, and then takes besides. */
  readonly append: number;
  readonly sync: number;
  readonly latency: LatencyHistogram;
  appends: number;
}

/** The rules of share-batcher.ts. */
class ModelGateway {
  readonly #load: GatewayLoad;
  readonly #core: Station;
  readonly #way: Way;
  readonly #share: number;
  /** When each share of the open batch came. */
  #open: number[] = [];
  #appending = false;
  /** Number of the window that is waited for; 0: none. */
  #window = 0;
  #windows = 0;

  constructor(load: GatewayLoad, core: Station, way: Way) {
    this.#load = load;
    this.#core = core;
    this.#way = way;
    this.#share = costOfShare(shareCosts.gateway, load.sharesPerSecond);
  }

  start(random: () => number): void {
    const { sharesPerSecond, inFlight = 0 } = this.#load;
    for (let miner = 0; miner < inFlight; miner++) this.#take();
    if (inFlight === 0) arrive(this.#way.simulation, sharesPerSecond, random, () => this.#take());
  }

  #take(): void {
    const arrivedAt = this.#way.simulation.now;
    this.#core.submit(this.#share * BEFORE_APPEND, () => {
      this.#open.push(arrivedAt);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#appending) return;
    if (this.#open.length >= WORTH_AN_APPEND) this.#append();
    else if (this.#window === 0) {
      this.#windows += 1;
      const window = this.#windows;
      this.#window = window;
      this.#way.simulation.after(WINDOW, () => {
        if (this.#window === window) this.#append();
      });
    }
  }

  #append(): void {
    const { simulation, stream, append, sync } = this.#way;
    const batch = this.#open;
    this.#open = [];
    this.#window = 0;
    this.#appending = true;
    simulation.after(this.#load.link, () =>
      stream.submit(append, () => {
        this.#validate(batch.length);
        simulation.after(sync + this.#load.link, () => this.#answer(batch));
      }),
    );
  }

  #answer(batch: readonly number[]): void {
    const { simulation, latency } = this.#way;
    const each = this.#share * (1 - BEFORE_APPEND);
    this.#core.submit(each * batch.length, () => {
      if (simulation.now >= WARM_UP_SECONDS) {
        this.#way.appends += 1;
        // The first of them was written when the others were still to come.
        for (const [index, arrivedAt] of batch.entries())
          latency.record((simulation.now - (batch.length - 1 - index) * each - arrivedAt) * 1_000);
      }
      if (this.#load.inFlight !== undefined) for (const _ of batch) this.#take();
    });
    this.#appending = false;
    if (this.#open.length > 0) this.#schedule();
  }

  /** And what the server does beside the append: it hands the batch on, and stores its credit. */
  #validate(shares: number): void {
    const { sharesPerSecond } = this.#load;
    const { stream, validators, append } = this.#way;
    const validator = costOfShare(shareCosts.validator, sharesPerSecond);
    validators.submit(validator * shares);
    if (stream !== validators) return;
    const nats = costOfShare(shareCosts.nats, sharesPerSecond);
    stream.submit(Math.max(0, nats * shares - append));
  }
}
