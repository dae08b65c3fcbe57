// Connections that open as fast as they open, so many at the same time, on a pool of which everything is on one core: what was measured at 1,000,
// 5,000 and 10,000.
import { LatencyHistogram } from '../load/measure/latency-histogram.ts';
import { assumptions, seconds } from './assumptions.ts';
import { Simulation } from './simulation.ts';
import { Station } from './station.ts';

/** The code is warm after so many. */
const UNTIL_WARM = 1_000;

export interface OpeningResult {
  readonly opensPerSecond: number;
  /** From the call to the first job, ms. */
  readonly latency: LatencyHistogram;
}

export function simulateOpening(connections: number, atOnce: number): OpeningResult {
  const simulation = new Simulation();
  const core = new Station(simulation);
  const latency = new LatencyHistogram();
  let begun = 0;
  let opened = 0;
  let lastAt = 0;
  const open = () => {
    if (begun === connections) return;
    begun += 1;
    const from = simulation.now;
    const first = begun <= UNTIL_WARM ? seconds(assumptions.openFirst) / UNTIL_WARM : 0;
    const handshake = seconds(assumptions.handshake) + first;
    core.submit(handshake, () =>
      core.submit(seconds(assumptions.openAll) - seconds(assumptions.handshake), () => {
        opened += 1;
        lastAt = simulation.now;
        latency.record((simulation.now - from) * 1_000);
        open();
      }),
    );
  };
  for (let index = 0; index < atOnce; index++) open();
  simulation.runUntil(Number.MAX_SAFE_INTEGER);
  return { opensPerSecond: opened / lastAt, latency };
}
