// A whole pool as real processes on loopback: each service by itself, a real nats-server that syncs before it acknowledges, and
// bitcoind or the simulated chain below. Parts are named, so that a test can kill one and start it again.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bus } from '@sluice/bus/bus';
import { connectNatsBus } from '@sluice/bus/nats/nats-bus';
import { openAuthorityKey } from '@sluice/cli/authority-keystore';
import type { Bitcoind } from './bitcoind.ts';
import { freePort } from './free-port.ts';
import { NatsServer } from './nats-server.ts';
import { ServiceProcess } from './service-process.ts';

/** Where coinbases pay to on regtest when a test does not say: OP_TRUE with a number, easily told apart. */
const DEFAULT_PAYOUT = 'raw(5151)';

export interface SimulatedChainSettings {
  /** Compact target, 8 hexadecimal digits. */
  readonly nbits: string;
  /** Mean seconds between blocks of somebody else; 0: none. */
  readonly blockSeconds: number;
}

export interface PoolProcessesOptions {
  /** The nodes of every template provider, and Template Distribution servers by their URLs, or its own simulated chain. */
  readonly chain:
    | { readonly bitcoinds: readonly Bitcoind[]; readonly templateServers?: readonly string[] }
    | { readonly simulated: SimulatedChainSettings };
  /** Of those nodes; default: regtest. */
  readonly network?: 'regtest' | 'signet';
  /** Between two requests for a template; default: 1. */
  readonly templateSeconds?: number;
  /** Processes of a service; default 1 each. */
  readonly gateways?: number;
  readonly providers?: number;
  readonly distributors?: number;
  readonly channelManagers?: number;
  readonly validators?: number;
  /** As `--payout` takes them. */
  readonly payouts?: readonly string[];
  /** Blocks may pay the address that a miner's identity names; default: they pay the pool. */
  readonly payoutByIdentity?: boolean;
  /** The bus, which the pool ends; default: one without users. */
  readonly nats?: NatsServer;
  /** How a service is let in there. */
  readonly busFlags?: (command: string) => readonly string[];
  /** What gateways prove to miners who they are with; default: the pool's authority key. */
  readonly identityFlags?: readonly string[];
  /** More of each gateway, and of its Node. */
  readonly gatewayFlags?: readonly string[];
  readonly gatewayNodeFlags?: readonly string[];
  /** All gateways listen on one port. */
  readonly oneGatewayPort?: boolean;
  /** What the difficulty of each channel is set for. */
  readonly sharesPerMinute: number;
  /** 1e-10: every hash may be a share. */
  readonly easiestDifficulty: number;
}

export class PoolProcesses {
  readonly nats: NatsServer;
  /** Base58check, for miners. */
  readonly authorityKey: string;
  readonly directory: string;
  readonly #services = new Map<string, ServiceProcess>();
  readonly #gatewayPorts: readonly number[];

  private constructor(nats: NatsServer, directory: string, gatewayPorts: readonly number[]) {
    this.nats = nats;
    this.directory = directory;
    this.#gatewayPorts = gatewayPorts;
    this.authorityKey = openAuthorityKey(join(directory, 'authority.key')).text;
  }

  /** Resolves when every process is ready; on failure nothing is left and the error ends with the log of the part. */
  static async start(options: PoolProcessesOptions): Promise<PoolProcesses> {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-pool-'));
    const nats = options.nats ?? (await NatsServer.start());
    const gateways = options.gateways ?? 1;
    const gatewayPorts = options.oneGatewayPort ? Array(gateways).fill(await freePort()) : await freePorts(gateways);
    const pool = new PoolProcesses(nats, directory, gatewayPorts);
    try {
      await pool.#plan(options);
      for (const service of pool.services) service.launch();
      await Promise.all(pool.services.map((service) => service.ready()));
      return pool;
    } catch (error) {
      await pool.stop();
      throw error;
    }
  }

  async #plan(options: PoolProcessesOptions): Promise<void> {
    const add = (command: string, index: number, flags: readonly string[], nodeFlags: readonly string[] = []) =>
      this.#add(command, index, [...flags, ...(options.busFlags?.(command) ?? [])], nodeFlags);
    const bus = ['--nats', this.nats.url, '--nats-monitors', this.nats.monitor];
    const network = ['--network', options.network ?? 'regtest'];
    const solutionPorts = await freePorts(options.providers ?? 1);
    const poll = ['--template-poll', String(options.templateSeconds ?? 1)];
    for (const [index, port] of solutionPorts.entries()) {
      const own = ['--provider', `provider-${index}`, '--solution-listen', `127.0.0.1:${port}`, ...poll];
      await add('template-provider', index, [...bus, ...network, ...chainFlags(options.chain), ...own]);
    }
    const byIdentity = options.payoutByIdentity === true ? ['--payout-by-identity'] : [];
    const payouts = (options.payouts ?? [DEFAULT_PAYOUT]).flatMap((payout) => ['--payout', payout]);
    for (let index = 0; index < (options.distributors ?? 1); index++) {
      const own = ['--instance', `distributor-${index}`, '--template-refresh', '1'];
      await add('job-distributor', index, [...bus, ...network, ...payouts, ...byIdentity, ...own]);
    }
    const policy = [
      ...['--shares-per-minute', String(options.sharesPerMinute)],
      ...['--easiest-difficulty', String(options.easiestDifficulty)],
    ];
    for (let index = 0; index < (options.channelManagers ?? 1); index++)
      await add('channel-manager', index, [...bus, ...network, ...byIdentity, ...policy]);
    for (let index = 0; index < (options.validators ?? 1); index++)
      await add('share-validator', index, [...bus, ...network, ...byIdentity]);
    for (const [index, port] of this.#gatewayPorts.entries()) {
      const sharing = options.oneGatewayPort ? ['--reuse-port'] : [];
      const own = ['--listen', `127.0.0.1:${port}`, ...sharing, '--gateway-label', `gateway-${index}`];
      const key = options.identityFlags ?? ['--authority-secret-file', join(this.directory, 'authority.key')];
      const solutions = solutionPorts.flatMap((solution) => ['--solution-endpoints', `127.0.0.1:${solution}`]);
      const flags = [...bus, ...own, ...key, ...solutions, ...(options.gatewayFlags ?? [])];
      await add('connection-gateway', index, flags, options.gatewayNodeFlags);
    }
  }

  async #add(command: string, index: number, flags: readonly string[], nodeFlags: readonly string[]): Promise<void> {
    const name = `${command}-${index}`;
    const plan = { name, command, flags, nodeFlags, healthPort: await freePort(), directory: this.directory };
    this.#services.set(name, new ServiceProcess(plan));
  }

  get services(): readonly ServiceProcess[] {
    return [...this.#services.values()];
  }

  /** `template-provider-0`, `connection-gateway-1`, … */
  service(name: string): ServiceProcess {
    const service = this.#services.get(name);
    if (service === undefined) throw new Error(`no ${name}; there are ${[...this.#services.keys()].join(', ')}`);
    return service;
  }

  gatewayPort(index = 0): number {
    const port = this.#gatewayPorts[index];
    if (port === undefined) throw new Error(`no gateway ${index}`);
    return port;
  }

  /** A connection to the pool's bus, to look into its streams; the caller closes it. */
  bus(): Promise<Bus> {
    return connectNatsBus({ name: 'test', servers: [this.nats.url], onError: () => {} });
  }

  /** The end of every log, for a test that fails. */
  logs(lines = 30): string {
    return this.services.map((service) => `--- ${service.name}\n${service.log(lines)}`).join('\n');
  }

  /** Ends everything and removes its folders. */
  async stop(): Promise<void> {
    await Promise.all(this.services.map((service) => service.kill()));
    await this.nats.dispose();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function chainFlags(chain: PoolProcessesOptions['chain']): readonly string[] {
  if ('simulated' in chain) {
    const { nbits, blockSeconds } = chain.simulated;
    return ['--simulated-chain', '--simulated-nbits', nbits, '--simulated-block-seconds', String(blockSeconds)];
  }
  const nodes = chain.bitcoinds.flatMap(({ rpcPort, cookieFile, zmqRawBlock }) => {
    const query = new URLSearchParams({ cookie: cookieFile, zmq: zmqRawBlock });
    return ['--bitcoind', `http://127.0.0.1:${rpcPort}/?${query}`];
  });
  return [...nodes, ...(chain.templateServers ?? []).flatMap((url) => ['--template-server', url])];
}

async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
}
