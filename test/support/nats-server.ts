// Real nats-servers on loopback: one, or three that form a JetStream cluster. Each keeps its ports and folder over `kill` and `launch`.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { natsServerBinary } from './nats-server-binary.ts';

const READY_TIMEOUT_MS = 30_000;

export interface NatsServerOptions {
  /** False: the server's own default, which acknowledges before it syncs. Default true: `sync_interval: always`. */
  readonly syncAlways?: boolean;
  /** The whole configuration instead of the default one. */
  readonly configuration?: (server: NatsServer) => string;
  /** It has its name by a flag and in POD_NAME, as in a pod of the operator's. */
  readonly asPod?: boolean;
}

interface ClusterPlace {
  readonly name: string;
  readonly port: number;
  /** Ports of all servers of the cluster. */
  readonly routes: readonly number[];
}

export class NatsServer {
  readonly directory: string;
  readonly port: number;
  readonly monitorPort: number;
  readonly #options: NatsServerOptions;
  /** Where it stands in its cluster, if it is in one. */
  readonly cluster: ClusterPlace | undefined;
  #process: ChildProcess | undefined;

  private constructor(
    ports: readonly [number, number],
    options: NatsServerOptions,
    cluster: ClusterPlace | undefined = undefined,
  ) {
    this.directory = mkdtempSync(join(tmpdir(), 'sluice-nats-'));
    [this.port, this.monitorPort] = ports;
    this.#options = options;
    this.cluster = cluster;
  }

  static async start(options: NatsServerOptions = {}): Promise<NatsServer> {
    const server = new NatsServer([await freePort(), await freePort()], options);
    await server.launch();
    return server;
  }

  /** Three servers with a leader of the JetStream meta group. */
  static async startCluster(options: NatsServerOptions = {}): Promise<readonly NatsServer[]> {
    const routes = [await freePort(), await freePort(), await freePort()];
    const servers: NatsServer[] = [];
    for (const [index, port] of routes.entries()) {
      const place = { name: `node-${index}`, port, routes };
      servers.push(new NatsServer([await freePort(), await freePort()], options, place));
    }
    await Promise.all(servers.map((server) => server.launch()));
    return servers;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  get monitor(): string {
    return `http://127.0.0.1:${this.monitorPort}`;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Starts the process on the same folder and ports as before; resolves when JetStream answers. */
  async launch(): Promise<void> {
    const binary = await natsServerBinary();
    const file = join(this.directory, 'server.conf');
    writeFileSync(file, this.#configuration());
    const name = this.cluster?.name ?? 'alone';
    const [flags, env] = this.#options.asPod === true ? [['--name', name], { POD_NAME: name }] : [[], {}];
    this.#process = spawn(binary, ['-c', file, ...flags], { stdio: 'ignore', env: { ...process.env, ...env } });
    await this.#ready();
  }

  /** What the server has told since it was made. */
  get log(): string {
    return readFileSync(join(this.directory, 'server.log'), 'utf8');
  }

  #configuration(): string {
    if (this.#options.configuration !== undefined) return this.#options.configuration(this);
    const { name, port, routes } = this.cluster ?? {};
    const sync = (this.#options.syncAlways ?? true) ? 'sync_interval: always' : '';
    const lines = [
      `listen: "127.0.0.1:${this.port}"`,
      `http: "127.0.0.1:${this.monitorPort}"`,
      `log_file: "${join(this.directory, 'server.log')}"`,
      `jetstream { store_dir: "${join(this.directory, 'store')}", max_mem: 1G, max_file: 64G, ${sync} }`,
    ];
    if (routes !== undefined) {
      const urls = routes.filter((route) => route !== port).map((route) => `"nats://127.0.0.1:${route}"`);
      lines.push(`server_name: "${name}"`);
      lines.push(`cluster { name: "sluice", listen: "127.0.0.1:${port}", routes: [${urls.join(', ')}] }`);
    }
    return `${lines.join('\n')}\n`;
  }

  async #ready(): Promise<void> {
    const deadline = Date.now() + READY_TIMEOUT_MS;
    while (Date.now() < deadline) {
      if (this.#process?.exitCode !== null && this.#process?.exitCode !== undefined) break;
      const healthy = await fetch(`${this.monitor}/healthz`).then(
        (response) => response.ok,
        () => false,
      );
      if (healthy) return;
      await sleep(25);
    }
    throw new Error(`nats-server on port ${this.port} did not become ready: see ${join(this.directory, 'server.log')}`);
  }

  /** The process is gone at once, as after a crash. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** An orderly stop; the folder stays. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  /** Stops it and removes its folder. */
  async dispose(): Promise<void> {
    await this.#end('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await exited;
  }
}
