// A new tip from the bus to every miner: docs/flows/template.md, step 4. Each gateway goes through its connections; what comes behind the tip waits until
// all have it.
import { LatencyHistogram } from '../load/measure/latency-histogram.ts';
import { assumptions, seconds } from './assumptions.ts';
import { WAY_TO_THE_FIRST_MS, wayToTheBus } from './measured.ts';
import { Simulation } from './simulation.ts';
import { Station } from './station.ts';

const TIME_SLICE = seconds(assumptions.timeSlice);
const TIP = seconds(assumptions.tipWrite);

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
}

export interface NewTipResult {
  /** From the node's announcement, ms. */
  readonly announced: LatencyHistogram;
  /** From the first miner told. */
  readonly fromFirst: LatencyHistogram;
}

export function simulateTips({ gateways, blocks, beside }: NewTipOptions): NewTipResult {
  const announced = new LatencyHistogram();
  const fromFirst = new LatencyHistogram();
  // No chance is in what follows, so that each block is told alike from the bus on.
  const told = toldAt(gateways, beside);
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
function toldAt(gateways: readonly TipGateway[], beside: number): Float64Array {
  const simulation = new Simulation();
  const told = new Float64Array(gateways.reduce((sum, { connections }) => sum + connections, 0));
  let from = 0;
  const sameLink = new Map<number, number>();
  for (const { connections, link } of gateways) {
    // A server of the bus, or of its leaf in the region, tells one after the other.
    const before = sameLink.get(link) ?? 0;
    sameLink.set(link, before + 1);
    const pass = new Pass(simulation, new Station(simulation), told.subarray(from, from + connections));
    const heard = link + before * seconds(assumptions.gatewayTold) + WAY_TO_THE_FIRST_MS / 1_000;
    simulation.after(heard, () => {
      pass.competeFor(beside);
      pass.write();
    });
    from += connections;
  }
  simulation.runUntil(Number.MAX_SAFE_INTEGER);
  return told;
}

/** The rules of fan-out.ts, for one tip: its slices follow each other at once where nobody else wants the gateway's loop. */
class Pass {
  readonly #simulation: Simulation;
  readonly #core: Station;
  readonly #told: Float64Array;
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

  /** One connection after the other, for as long as the system leaves the gateway on the core. */
  write(): void {
    const from = this.#cursor;
    const count = Math.min(Math.ceil(TIME_SLICE / TIP), this.#told.length - from);
    if (count === 0) return;
    this.#cursor += count;
    this.#core.submit(count * TIP, () => {
      for (let index = 0; index < count; index++)
        this.#told[from + index] = this.#simulation.now - (count - 1 - index) * TIP;
      this.write();
    });
  }
}

/** ms, of the block that this part of all are sooner than. */
function wayAt(part: number): number {
  const above = wayToTheBus.findIndex(([upTo]) => upTo >= part);
  const [fromPart, fromMs] = wayToTheBus[above - 1]!;
  const [toPart, toMs] = wayToTheBus[above]!;
  return fromMs + ((part - fromPart) / (toPart - fromPart)) * (toMs - fromMs);
}
