// How long nothing is stored when the server that leads the stream of shares is lost, as with its zone.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '@sluice/bus/bus';
import { connectNatsBus } from '@sluice/bus/nats/nats-bus';
import { NatsServer } from '../../support/nats-server.ts';
import { waitFor } from '../../support/wait-for.ts';

const ROUNDS = 5;
const PATIENCE_MS = 60_000;
/** As a gateway does: after so long a batch is sent again. */
const APPEND_TIMEOUT_MS = 2_000;
/** For a server to catch up when it is back. */
const CATCH_UP_MS = 3_000;

/** Seconds from the loss of the server to the next batch that is stored, each time; least first. */
export async function measureTakeover(): Promise<readonly number[]> {
  const servers = await NatsServer.startCluster();
  const bus = await connectNatsBus({
    name: 'gateway',
    servers: servers.map(({ url }) => url),
    replicas: servers.length,
  });
  try {
    await waitFor(() => isStored(bus, 0), PATIENCE_MS);
    const seconds: number[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      await sleep(CATCH_UP_MS);
      const leader = await leaderOf(servers);
      const lostAt = performance.now();
      await leader.kill();
      await waitFor(() => isStored(bus, round), PATIENCE_MS);
      seconds.push((performance.now() - lostAt) / 1_000);
      await leader.launch();
    }
    return seconds.sort((a, b) => a - b);
  } finally {
    await bus.close();
    await Promise.all(servers.map((server) => server.dispose()));
  }
}

async function isStored(bus: Bus, batch: number): Promise<boolean> {
  const options = { messageId: String(batch), timeoutMs: APPEND_TIMEOUT_MS };
  return bus.append('SHARES', 'shares.0', new Uint8Array(1), options).then(
    () => true,
    () => false,
  );
}

interface JetStreamState {
  readonly account_details: readonly {
    readonly stream_detail: readonly { readonly name: string; readonly cluster: { readonly leader: string } }[];
  }[];
}

async function leaderOf(servers: readonly NatsServer[]): Promise<NatsServer> {
  const answer = await fetch(`${servers[0]!.monitor}/jsz?streams=true`);
  const { account_details: accounts } = (await answer.json()) as JetStreamState;
  const streams = accounts.flatMap(({ stream_detail: details }) => details);
  const leader = streams.find(({ name }) => name === 'SHARES')?.cluster.leader;
  return servers.find(({ cluster }) => cluster?.name === leader)!;
}
