// A new tip from the bus to every miner: docs/flows/template.md, step 4. Each gateway goes through its connections in slices; the next job comes
// behind the tip, and then the pass begins again from the top.
import { LatencyHistogram } from '../load/measure/latency-histogram.ts';
import { assumptions, seconds, WAY_TO_THE_FIRST_MS, wayToTheBus } from './assumptions.ts';
import { Simulation } from './simulation.ts';
import { Station } from './station.ts';

const SLICE = seconds(assumptions.slice);
const TIME_SLICE = seconds(assumptions.timeSlice);
const TIP = seconds(assumptions.tipWrite);
const JOB = seconds(assumptions.jobWrite);
/** The job that the miners already told get in a write of its own. */
const JOB_ALONE = TIP + JOB;

export interface TipGateway {
  readonly connections: number;
  /** From the bus, one way, in seconds. */
  readonly link: number;
}

export interface NewTipOptions {
  readonly gateways: readonly TipGateway[];
  /** Blocks, whose ways to the bus are spread evenly over all that were measured. */
  readonly blocks: number;
  /** CPU time of other processes on a gateway's core that begins with the tip, in seconds. */
  readonly beside: number;
  /** From the tip to the next job on the bus, in seconds; absent: no job follows. */
  readonly jobAfter?: number;
}

export interface NewTipResult {
  /** From the node's announcement, ms. */
  readonly announced: LatencyHistogram;
  /** From the first miner told. */
  readonly fromFirst: LatencyHistogram;
}

export function simulateTips({ gateways, blocks, beside, jobAfter }: NewTipOptions): NewTipResult {
  const announced = new LatencyHistogram();
  const fromFirst = new LatencyHistogram();
  // No chance is in what follows, so that each block is told alike from the bus on.
  const told = toldAt(gateways, beside, jobAfter);
  const first = told.reduce((least, at) => Math.min(least, at), Number.POSITIVE_INFINITY);
  for (let block = 0; block < blocks; block++) {
    const way = wayAt((block + 0.5) / blocks);
    for (const at of told) {
      announced.record(way + at * 1_000);
      fromFirst.record((at - first) * 1_000);
    }
  }
  return { announced, fromFirst };
}

/** Seconds from the activation on the bus, of every connection. */
function toldAt(gateways: readonly TipGateway[], beside: number, jobAfter: number | undefined): Float64Array {
  const simulation = new Simulation();
  const told = new Float64Array(gateways.reduce((sum, { connections }) => sum + connections, 0));
  let from = 0;
  const sameLink = new Map<number, number>();
  for (const { connections, link } of gateways) {
    // A server of the bus, or of its leaf in the region, tells one after the other.
    const before = sameLink.get(link) ?? 0;
    sameLink.set(link, before + 1);
    const passes = new Passes(simulation, new Station(simulation), told.subarray(from, from + connections));
    const heard = link + before * seconds(assumptions.gatewayTold) + WAY_TO_THE_FIRST_MS / 1_000;
    simulation.after(heard, () => {
      passes.competeFor(beside);
      passes.tip();
    });
    if (jobAfter !== undefined) simulation.after(heard + jobAfter, () => passes.job());
    from += connections;
  }
  simulation.runUntil(Number.MAX_SAFE_INTEGER);
  return told;
}

/** The rules of fan-out.ts, for one tip and one job. */
class Passes {
  readonly #simulation: Simulation;
  readonly #core: Station;
  readonly #told: Float64Array;
  #hasTip = 0;
  #hasJob = 0;
  #jobIsHere = false;
  #writing = false;
  #cursor = 0;

  constructor(simulation: Simulation, core: Station, told: Float64Array) {
    this.#simulation = simulation;
    this.#core = core;
    this.#told = told;
  }

  /** Others take the core in turns. */
  competeFor(left: number): void {
    if (left > 0) this.#core.submit(Math.min(left, TIME_SLICE), () => this.competeFor(left - TIME_SLICE));
  }

  tip(): void {
    this.#slice();
  }

  job(): void {
    this.#jobIsHere = true;
    this.#cursor = 0;
    if (!this.#writing) this.#slice();
  }

  #slice(): void {
    const from = this.#cursor;
    let spent = 0;
    const jobToo = this.#jobIsHere;
    const ends: number[] = [];
    for (; from + ends.length < this.#told.length && spent < SLICE; ) {
      spent += this.#cost(from + ends.length, jobToo);
      ends.push(spent);
    }
    if (ends.length === 0) return;
    this.#writing = true;
    this.#cursor = from + ends.length;
    this.#writeInTurns(from, ends, 0, jobToo);
  }

  /** A slice of the gateway may be cut by the system, which lets others on the core. */
  #writeInTurns(from: number, ends: readonly number[], begun: number, jobToo: boolean): void {
    const last = ends.at(-1)!;
    const turn = Math.min(last - begun, TIME_SLICE);
    this.#core.submit(turn, () => {
      const startedAt = this.#simulation.now - turn;
      for (const [index, end] of ends.entries())
        if (end > begun && end <= begun + turn + 1e-12) this.#note(from + index, startedAt + end - begun);
      if (begun + turn < last - 1e-12) this.#writeInTurns(from, ends, begun + turn, jobToo);
      else {
        this.#hasTip = Math.max(this.#hasTip, from + ends.length);
        if (jobToo) this.#hasJob = Math.max(this.#hasJob, from + ends.length);
        this.#writing = false;
        this.#slice();
      }
    });
  }

  #cost(connection: number, jobToo: boolean): number {
    if (connection >= this.#hasTip) return jobToo ? TIP + JOB : TIP;
    return jobToo && connection >= this.#hasJob ? JOB_ALONE : 0;
  }

  #note(connection: number, at: number): void {
    if (this.#told[connection] === 0) this.#told[connection] = at;
  }
}

/** ms, of the block that this part of all are sooner than. */
function wayAt(part: number): number {
  const above = wayToTheBus.findIndex(([upTo]) => upTo >= part);
  const [fromPart, fromMs] = wayToTheBus[above - 1]!;
  const [toPart, toMs] = wayToTheBus[above]!;
  return fromMs + ((part - fromPart) / (toPart - fromPart)) * (toMs - fromMs);
}
