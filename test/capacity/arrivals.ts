// When things come that know nothing of each other.
import type { Simulation } from './simulation.ts';

/** Seconds to the next of `rate` events a second that know nothing of each other. */
export function exponential(rate: number, random: () => number): number {
  return -Math.log(1 - random()) / rate;
}

/** Calls `onArrival` at a Poisson process of `rate` a second, for as long as the simulation runs. */
export function arrive(simulation: Simulation, rate: number, random: () => number, onArrival: () => void): void {
  simulation.after(exponential(rate, random), () => {
    onArrival();
    arrive(simulation, rate, random, onArrival);
  });
}
