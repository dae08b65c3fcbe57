// `sluice proxy` as a process on loopback, in front of whatever upstreams a test has.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { ServiceProcess } from './service-process.ts';
import { Sv1Miner } from './sv1-miner.ts';
import { waitFor } from './wait-for.ts';

/** As a setting: shares of these miners are found by hashing in the test. */
const FIRST_DIFFICULTY = '1e-7';

export interface ProxyPlan {
  /** The preferred one first. */
  readonly upstreams: readonly (
    | { readonly address: string; readonly authorityKey: string }
    | { readonly url: string }
  )[];
  /** Account at all of them. */
  readonly identity: string;
  readonly flags?: readonly string[];
  /** Of Node itself. */
  readonly nodeFlags?: readonly string[];
}

export class ProxyProcess {
  readonly port: number;
  readonly process: ServiceProcess;
  readonly miners: Sv1Miner[] = [];
  readonly #healthPort: number;
  readonly #identity: string;
  readonly #directory: string;

  private constructor(
    { upstreams, identity, flags = [], nodeFlags = [] }: ProxyPlan,
    port: number,
    healthPort: number,
  ) {
    this.port = port;
    this.#healthPort = healthPort;
    this.#identity = identity;
    this.#directory = mkdtempSync(join(tmpdir(), 'sluice-proxy-'));
    const urls = upstreams.flatMap((upstream) => [
      '--upstream',
      'url' in upstream ? upstream.url : `stratum2+tcp://${upstream.address}/${upstream.authorityKey}`,
    ]);
    this.process = new ServiceProcess({
      ...{ name: 'proxy', command: 'proxy', nodeFlags, healthPort, directory: this.#directory },
      flags: [
        ...['--listen', `127.0.0.1:${port}`, '--identity', identity, ...urls],
        ...['--first-difficulty', FIRST_DIFFICULTY, '--easiest-difficulty', '1e-9', '--drain-seconds', '1', ...flags],
      ],
    });
  }

  /** Starts it without waiting for it. */
  static async launch(plan: ProxyPlan): Promise<ProxyProcess> {
    const proxy = new ProxyProcess(plan, await freePort(), await freePort());
    proxy.process.launch();
    return proxy;
  }

  /** Resolves when miners can connect. */
  static async start(plan: ProxyPlan): Promise<ProxyProcess> {
    const proxy = await ProxyProcess.launch(plan);
    await proxy.process.ready().catch(async (error: unknown) => {
      await proxy.stop();
      throw error;
    });
    return proxy;
  }

  /** Miners `rig-0` and so on of the account, at work. @param hashrate of each. */
  async connect(count: number, hashrate: number): Promise<readonly Sv1Miner[]> {
    const more = Array.from(
      { length: count },
      (_, index) => new Sv1Miner({ port: this.port, user: `${this.#identity}.rig-${index}`, hashrate }),
    );
    this.miners.push(...more);
    await Promise.all(more.map(({ ready }) => ready));
    return more;
  }

  /** What /readyz says; empty while it is not there. */
  async readiness(): Promise<string> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.#healthPort}/readyz`);
      return await response.text();
    } catch {
      return '';
    }
  }

  /** What it tells of itself. @param path behind `/api/v1`, such as `/workers?limit=2`. */
  async api(path: string): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${this.#healthPort}/api/v1${path}`);
    return response.json();
  }

  /** Asks or tells it at `/drain`. @param query such as `order=1&keep=0&seconds=60`. */
  async drain(method: 'GET' | 'POST' | 'DELETE', token: string, query = ''): Promise<Response> {
    const headers = { authorization: `Bearer ${token}` };
    return await fetch(`http://127.0.0.1:${this.#healthPort}/drain?${query}`, { method, headers });
  }

  /** One of its metrics without the prefix `sluice_proxy_`, added up over its labels. */
  async metric(name: string): Promise<number> {
    const value = await this.process.metric(`sluice_proxy_${name}`);
    if (value === undefined) throw new Error(`the proxy has no metric ${name}`);
    return value;
  }

  /** Has the miners pause until everything that they sent is answered. */
  async pause(): Promise<void> {
    for (const miner of this.miners) miner.hashrate = 0;
    const isAnswered = (miner: Sv1Miner) => miner.accepted + miner.rejections.length === miner.submitted;
    await waitFor(() => this.miners.every(isAnswered));
    await waitFor(async () => (await this.metric('upstream_shares_in_flight')) === 0);
  }

  /** Ends the miners' connections and the process. */
  async stop(): Promise<void> {
    for (const miner of this.miners.splice(0)) miner.stop();
    await this.process.kill('SIGTERM');
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
