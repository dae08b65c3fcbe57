// How many appends a second one stream takes, of writers that each wait for their answer, as gateways do.
import type { Bus, Subscription } from '@sluice/bus/bus';
import { connectNatsBus } from '@sluice/bus/nats/nats-bus';
import { LatencyHistogram } from '../../load/measure/latency-histogram.ts';
import { sampleOf } from '../../load/measure/server-processes.ts';
import { NatsServer } from '../../support/nats-server.ts';
import { waitFor } from '../../support/wait-for.ts';

/** A batch of thirteen shares: what 600 shares a second are in windows of 20 ms. */
const BATCH_BYTES = 13 * 130;
const CONNECTIONS = 8;
const WARM_UP_MS = 1_000;
const MEASURED_MS = 4_000;
const ROUNDS = 30;
/** From one message to the next. */
const REST_MS = 50;

export interface AppendFigures {
  readonly servers: number;
  readonly writers: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU of all servers, for each append. */
  readonly serverMicros: number;
}

export async function measureAppends(servers: 1 | 3, writers: number): Promise<AppendFigures> {
  const nats = servers === 1 ? [await NatsServer.start()] : await NatsServer.startCluster();
  const buses: Bus[] = [];
  try {
    for (let index = 0; index < CONNECTIONS; index++)
      buses.push(
        await connectNatsBus({ name: `writer-${index}`, servers: nats.map(({ url }) => url), replicas: servers }),
      );
    // A cluster has to agree on who leads a new stream.
    await waitFor(() => stores(buses[0]!));
    return await measure(nats, buses, writers);
  } finally {
    await Promise.all(buses.map((bus) => bus.close()));
    await Promise.all(nats.map((server) => server.dispose()));
  }
}

async function stores(bus: Bus): Promise<boolean> {
  try {
    await bus.append('SHARES', 'shares.0', new Uint8Array(1));
    return true;
  } catch {
    return false;
  }
}

async function measure(nats: readonly NatsServer[], buses: readonly Bus[], writers: number): Promise<AppendFigures> {
  const latency = new LatencyHistogram();
  let phase: 'warm-up' | 'measured' | 'over' = 'warm-up';
  const write = async (writer: number) => {
    const bus = buses[writer % buses.length]!;
    for (let batch = 1; phase !== 'over'; batch++) {
      const from = performance.now();
      await bus.append('SHARES', `shares.${writer + 1}`, new Uint8Array(BATCH_BYTES), {
        messageId: `${writer}-${batch}`,
      });
      if (phase === 'measured') latency.record(performance.now() - from);
    }
  };
  const all = Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
  // Told where it is waited for: the servers are ended first.
  all.catch(() => undefined);
  await pause(WARM_UP_MS);
  const cpuBefore = cpuOf(nats);
  const from = performance.now();
  phase = 'measured';
  await pause(MEASURED_MS);
  const seconds = (performance.now() - from) / 1_000;
  const cpu = cpuOf(nats) - cpuBefore;
  phase = 'over';
  await all;
  return {
    servers: nats.length,
    writers,
    perSecond: latency.count / seconds,
    p50Ms: latency.quantile(0.5),
    p99Ms: latency.quantile(0.99),
    serverMicros: (cpu / latency.count) * 1e6,
  };
}

/** Milliseconds after a message is published until the last of `gateways` connections has it, median. */
export async function measureFanOut(gateways: number): Promise<number> {
  const nats = await NatsServer.start();
  const buses: Bus[] = [];
  const subscriptions: Subscription[] = [];
  try {
    let left = 0;
    let done: () => void = () => undefined;
    for (let index = 0; index <= gateways; index++)
      buses.push(await connectNatsBus({ name: `gateway-${index}`, servers: [nats.url] }));
    const [publisher, ...readers] = buses;
    for (const bus of readers)
      subscriptions.push(
        bus.subscribe('control.0', () => {
          left -= 1;
          if (left === 0) done();
        }),
      );
    const last: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await pause(REST_MS);
      const all = new Promise<void>((resolve) => (done = resolve));
      left = gateways;
      const from = performance.now();
      publisher!.publish('control.0', new Uint8Array(100));
      await all;
      last.push(performance.now() - from);
    }
    return last.sort((a, b) => a - b)[Math.floor(last.length / 2)]!;
  } finally {
    for (const subscription of subscriptions) subscription.close();
    await Promise.all(buses.map((bus) => bus.close()));
    await nats.dispose();
  }
}

function cpuOf(nats: readonly NatsServer[]): number {
  return nats.reduce((sum, { pid = 0 }) => sum + (sampleOf({ name: 'nats', pid })?.cpuSeconds ?? 0), 0);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
