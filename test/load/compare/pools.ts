// The two pools, each with new processes and on the same node: a template provider of ours with the same flags gives both their templates.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openAuthorityKey } from '@sluice/cli/authority-keystore';
import type { Bitcoind } from '../../support/bitcoind.ts';
import { freePort } from '../../support/free-port.ts';
import { listens } from '../../support/listens.ts';
import { NatsServer } from '../../support/nats-server.ts';
import { PeerProcess } from '../../support/peer-process.ts';
import { SriPool } from '../../support/sri-pool.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { Contender, Observation } from './contest.ts';
import { Parts, started } from './parts.ts';

/** OP_TRUE with a number: nobody's. */
const PAYOUT = 'raw(5151)';
/** Wanted of a channel: as good as no bound, and with claims of 1 H/s every hash is a share. */
const SRI_SHARES_PER_MINUTE = 1_000_000;
export const sluicePolicy = ['--shares-per-minute', '100000', '--easiest-difficulty', '1e-10'] as const;
/** Bounds against a single peer, which the load is. */
export const gatewayBounds = [
  ...['--max-connections-per-address', '20000'],
  ...['--connection-rate', '100000', '--message-rate', '1000000'],
] as const;

const SETTLED_MS = 300_000;
const SETTLED_STEP_MS = 100;

/** `shareBatchSize`: accepted shares of a channel for each answer. */
export const startSriPool = (bitcoind: Bitcoind, program: string, shareBatchSize: number): Promise<Contender> =>
  started(new Parts(), (parts) => startSri(parts, bitcoind, program, shareBatchSize));

export const startSluicePool = (bitcoind: Bitcoind, observation?: Observation): Promise<Contender> =>
  started(new Parts(observation), (parts) => startSluice(parts, bitcoind));

/** What Node's sockets and the cipher cost by themselves: shares are answered, every miner is told a new tip, and nothing else. */
export const startPoolFloor = (bitcoind: Bitcoind): Promise<Contender> =>
  started(new Parts(), async (parts) => {
    const port = await freePort();
    const program = fileURLToPath(new URL('pool-floor-server.ts', import.meta.url));
    const floor = new PeerProcess(process.execPath, [program, String(port), bitcoind.zmqRawBlock]);
    parts.ends(() => floor.stop());
    await waitFor(() => listens(port));
    return {
      url: `stratum2+tcp://127.0.0.1:${port}`,
      processes: [{ name: 'floor', pid: floor.pid ?? 0 }],
      loadFlags: [],
      hooks: {},
      logs: () => floor.tail(),
      stop: () => parts.stop(),
    };
  });

/** Beside the flags that name its bus or say that it has none. */
function providerFlags({ rpcPort, cookieFile, zmqRawBlock }: Bitcoind, ports: readonly [number, number], key: string) {
  const node = new URLSearchParams({ cookie: cookieFile, zmq: zmqRawBlock });
  const [templates, solutions] = ports;
  return [
    ...['--network', 'regtest', '--bitcoind', `http://127.0.0.1:${rpcPort}/?${node}`],
    ...['--template-listen', `127.0.0.1:${templates}`, '--authority-secret-file', key],
    ...['--solution-listen', `127.0.0.1:${solutions}`],
  ];
}

async function startSri(parts: Parts, bitcoind: Bitcoind, program: string, shareBatchSize: number): Promise<Contender> {
  const key = join(parts.directory, 'authority.key');
  const { text: authorityKey } = openAuthorityKey(key);
  const port = await freePort();
  const flags = providerFlags(bitcoind, [port, await freePort()], key);
  const provider = await parts.service('template-provider', ['--standalone', ...flags]);
  await provider.ready();
  const pool = await SriPool.start({
    program,
    templateServer: { port, authorityKey },
    payout: PAYOUT,
    sharesPerMinute: SRI_SHARES_PER_MINUTE,
    shareBatchSize,
    quiet: true,
  });
  parts.ends(() => pool.stop());
  return {
    url: `stratum2+tcp://127.0.0.1:${pool.port}/${pool.authorityKey}`,
    processes: [{ name: 'pool_sv2', pid: pool.process.pid ?? 0 }],
    loadFlags: ['--ack-batch', String(shareBatchSize)],
    hooks: {},
    logs: () => `${parts.logs()}\n--- pool_sv2\n${pool.process.tail()}`,
    stop: () => parts.stop(),
  };
}

async function startSluice(parts: Parts, bitcoind: Bitcoind): Promise<Contender> {
  const nats = await NatsServer.start();
  parts.ends(() => nats.dispose());
  const bus = ['--nats', nats.url, '--nats-monitors', nats.monitor];
  const key = join(parts.directory, 'authority.key');
  const { text: authorityKey } = openAuthorityKey(key);
  const [templates, solutions, port] = [await freePort(), await freePort(), await freePort()];
  await parts.service('template-provider', [...bus, ...providerFlags(bitcoind, [templates, solutions], key)]);
  await parts.service('job-distributor', [...bus, '--network', 'regtest', '--payout', PAYOUT]);
  await parts.service('channel-manager', [...bus, ...sluicePolicy]);
  const validator = await parts.service('share-validator', bus);
  await parts.service('connection-gateway', [
    ...[...bus, '--listen', `127.0.0.1:${port}`, '--authority-secret-file', key],
    ...['--solution-endpoints', `127.0.0.1:${solutions}`, ...gatewayBounds],
  ]);
  await Promise.all(parts.services.map((service) => service.ready()));
  const services = parts.services.map(({ name, pid }) => ({ name, pid: pid ?? 0 }));
  return {
    url: `stratum2+tcp://127.0.0.1:${port}/${authorityKey}`,
    processes: [...services, { name: 'nats-server', pid: nats.pid ?? 0 }],
    loadFlags: ['--nats', nats.url],
    hooks: {
      async settled(acknowledged) {
        const judged = async () => (await validator.metric('sluice_share_validator_shares_total')) ?? 0;
        const done = async () => (await judged()) >= acknowledged || (await pause(SETTLED_STEP_MS));
        await waitFor(done, SETTLED_MS);
      },
    },
    logs: () => parts.logs(),
    stop: () => parts.stop(),
  };
}

async function pause(ms: number): Promise<false> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return false;
}
