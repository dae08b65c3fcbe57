// The model's clock and stations, held against what is known of queues: with seeded chance, so that a run is the same each time.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../packages/mining/simulation/random.ts';
import { arrive, exponential } from './arrivals.ts';
import { Simulation } from './simulation.ts';
import { Station } from './station.ts';

interface Queue {
  /** Arrivals a second, at a Poisson process. */
  readonly rate: number;
  readonly servers: number;
  serviceSeconds(random: () => number): number;
}

interface Observed {
  /** Mean seconds until a job's turn, and jobs that wait, looked at by Poisson arrivals of their own. */
  readonly waited: number;
  readonly waiting: number;
  readonly busy: number;
}

const SECONDS = 200_000;

function observe({ rate, servers, serviceSeconds }: Queue): Observed {
  const simulation = new Simulation();
  const station = new Station(simulation, servers);
  const random = seededRandom(7);
  let waited = 0;
  let served = 0;
  arrive(simulation, rate, random, () => {
    const from = simulation.now;
    const service = serviceSeconds(random);
    station.submit(service, () => {
      waited += simulation.now - from - service;
      served += 1;
    });
  });
  let looks = 0;
  let waiting = 0;
  arrive(simulation, 1, seededRandom(8), () => {
    looks += 1;
    waiting += station.waiting;
  });
  simulation.runUntil(SECONDS);
  return { waited: waited / served, waiting: waiting / looks, busy: station.busySeconds / SECONDS / servers };
}

/** Within so many per cent. */
function expectNear(value: number, theory: number, percent: number): void {
  expect(Math.abs(value / theory - 1) * 100, `${value} beside ${theory}`).toBeLessThan(percent);
}

/** Probability that all servers are busy: Erlang's C formula, for an offered load of `load`. */
function erlangC(servers: number, load: number): number {
  let term = 1;
  let sum = 1;
  for (let index = 1; index < servers; index++) {
    term *= load / index;
    sum += term;
  }
  const last = (term * load) / servers / (1 - load / servers);
  return last / (sum + last);
}

describe('a station', () => {
  it.each([0.3, 0.7, 0.9])('waits as M/M/1 does, %d of it used', (used) => {
    const { waited, waiting, busy } = observe({
      rate: used,
      servers: 1,
      serviceSeconds: (random) => exponential(1, random),
    });
    expectNear(busy, used, 2);
    expectNear(waited, used / (1 - used), 10);
    // Little's law.
    expectNear(waiting, used * waited, 5);
  });

  it.each([0.3, 0.7, 0.9])('waits half as long where all jobs are alike, as M/D/1, %d of it used', (used) => {
    const { waited, busy } = observe({ rate: used, servers: 1, serviceSeconds: () => 1 });
    expectNear(busy, used, 2);
    expectNear(waited, used / (2 * (1 - used)), 5);
  });

  it('waits as M/M/3 does', () => {
    const { waited } = observe({ rate: 2.4, servers: 3, serviceSeconds: (random) => exponential(1, random) });
    expectNear(waited, erlangC(3, 2.4) / (3 - 2.4), 5);
  });

  it('says in which second it worked, and how long jobs waited', () => {
    const simulation = new Simulation();
    const station = new Station(simulation);
    simulation.after(0.5, () => {
      station.submit(1);
      station.submit(1.25);
    });
    simulation.runUntil(10);
    expect(station.busyIn).toEqual([0.5, 1, 0.75]);
    expect(station.longestWaitIn).toEqual([0, 1]);
  });
});

describe('the clock', () => {
  it('has every event in the order of its time, and of its asking where times are the same', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 200 }), (times) => {
        const simulation = new Simulation();
        const seen: (readonly [time: number, asked: number])[] = [];
        for (const [asked, time] of times.entries())
          simulation.after(time, () => {
            expect(simulation.now).toBe(time);
            seen.push([time, asked]);
          });
        simulation.runUntil(20);
        expect(seen).toEqual(
          [...times.entries()].map(([asked, time]) => [time, asked]).sort(([a, b], [c, d]) => a! - c! || b! - d!),
        );
      }),
    );
  });

  it('stands at the end, and leaves what comes later', () => {
    const simulation = new Simulation();
    let later = false;
    simulation.after(2, () => {
      later = true;
    });
    simulation.runUntil(1);
    expect([simulation.now, later]).toEqual([1, false]);
    simulation.runUntil(2);
    expect(later).toBe(true);
  });
});
