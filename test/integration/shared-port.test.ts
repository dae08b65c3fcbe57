// Two gateways of one machine on one port: both have miners; when one ends in order all of its miners come to the other, and it takes its place
// again beside that one.
import { afterAll, beforeAll, expect, it, onTestFailed } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { PoolProcesses } from '../support/pool-processes.ts';
import { ServiceProcess } from '../support/service-process.ts';
import type { Sv2Channel } from '../support/sv2-channel.ts';
import { Sv2Client } from '../support/sv2-client.ts';
import { waitFor } from '../support/wait-for.ts';

/** A block takes 2^32 hashes: none is found here. */
const NBITS = '1d00ffff';
/** The kernel draws lots: that one of two gateways is never drawn happens once in 2^60. */
const TRIES = 60;
const gateways = ['connection-gateway-0', 'connection-gateway-1'] as const;
type GatewayName = (typeof gateways)[number];

interface Miner {
  readonly client: Sv2Client;
  readonly channel: Sv2Channel;
}

let pool: PoolProcesses;
const miners: Miner[] = [];

async function connect(): Promise<Miner> {
  const client = await Sv2Client.connect({ port: pool.gatewayPort(), authorityKey: pool.authorityKey });
  const channel = await client.openExtended({ identity: 'alice.rig', hashRate: 10 });
  const miner = { client, channel };
  miners.push(miner);
  return miner;
}

/** Those that it has accepted since its last start: their extranonces begin with its incarnation. */
function minersOf(name: GatewayName): readonly Miner[] {
  const incarnation = [
    ...pool
      .service(name)
      .log()
      .matchAll(/"incarnation":"(\d+)"/g),
  ].at(-1)?.[1];
  return miners.filter(({ channel }) => Buffer.from(channel.prefix).readUInt32BE() === Number(incarnation));
}

async function connectUntil(enough: () => boolean): Promise<void> {
  for (let tries = 0; !enough(); tries++) {
    if (tries === TRIES) throw new Error(`not after ${TRIES} connections: ${enough}`);
    await connect();
  }
}

async function submitOf(all: readonly Miner[]): Promise<void> {
  await waitFor(() => all.every(({ channel }) => channel.job !== undefined));
  for (const { client, channel } of all) {
    const share = channel.find('share', 1_000);
    if (share === undefined) throw new Error('no share in 1,000 hashes, where nearly every one is');
    client.submit(channel, share);
  }
  await waitFor(() => all.every(({ channel: { record } }) => record.sent > 0 && record.accepted === record.sent));
}

beforeAll(async () => {
  pool = await PoolProcesses.start({
    chain: { simulated: { nbits: NBITS, blockSeconds: 0 } },
    ...{ sharesPerMinute: 60, easiestDifficulty: 1e-10 },
    ...{ gateways: gateways.length, oneGatewayPort: true, gatewayFlags: ['--drain-seconds', '1'] },
  });
});
afterAll(async () => {
  await Promise.all(miners.map(({ client }) => client.close()));
  await pool?.stop();
});

it('gives miners of one port to two gateways, and to one of them while the other ends and starts again', async () => {
  onTestFailed(() => console.error(pool.logs()));
  await connectUntil(() => gateways.every((name) => minersOf(name).length >= 2));
  await submitOf(miners);
  const [leaving, staying] = gateways.map(minersOf) as [readonly Miner[], readonly Miner[]];

  // As a device does: at once, while that gateway still moves others away.
  const returned = leaving.map(async ({ client }) => {
    await client.closed;
    return connect();
  });
  expect(await pool.service(gateways[0]).kill('SIGTERM')).toBe(0);
  await submitOf(await Promise.all(returned));
  expect(minersOf(gateways[1])).toHaveLength(staying.length + leaving.length);

  pool.service(gateways[0]).launch();
  await pool.service(gateways[0]).ready();
  await connectUntil(() => minersOf(gateways[0]).length >= 1);
  await submitOf(minersOf(gateways[0]));
  expect(staying.every(({ client }) => client.isOpen)).toBe(true);
});

it('leaves the port to those that share it: a gateway without the setting does not start', async () => {
  const other = new ServiceProcess({
    ...{ name: 'unshared', command: 'connection-gateway', healthPort: await freePort(), directory: pool.directory },
    flags: [
      '--listen',
      `127.0.0.1:${pool.gatewayPort()}`,
      '--authority-secret-file',
      `${pool.directory}/authority.key`,
    ],
  });
  other.launch();
  await waitFor(() => !other.running);
  expect(await other.kill()).toBe(2);
  expect(other.log()).toContain(`cannot listen on 127.0.0.1:${pool.gatewayPort()}: EADDRINUSE`);
});
