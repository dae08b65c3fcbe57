// The service as a process runs it, on real sockets, with the bus in memory and its orders taken over HTTP.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import { RangeReply } from '@sluice/bus/payloads/channel';
import { Control } from '@sluice/bus/payloads/control';
import { subjectName } from '@sluice/bus/subjects';
import { generateSecret } from '@sluice/noise/ec';
import { systemClock, unixSeconds } from '@sluice/runtime/clock';
import { Health, type HealthServer, startHealthServer } from '@sluice/runtime/health';
import { silentLogger } from '@sluice/runtime/logger';
import { MetricsRegistry } from '@sluice/runtime/metrics';
import { OrderRoutes } from '@sluice/runtime/order-routes';
import { randomBytes } from '@sluice/runtime/random';
import { addDrainRoute } from '@sluice/server/drain-route';
import { selfCertified } from '@sluice/server/identity';
import { defaultLimits, type GatewayLimits } from '../../src/limits.ts';
import { type ConnectionGatewayService, createConnectionGatewayService } from '../../src/service.ts';
import { aead, ec, TestGateway } from './test-gateway.ts';
import { TestMiner } from './test-miner.ts';

const LOOPBACK = '127.0.0.1';
const TOKEN = 'token';

export class TestService {
  readonly service: ConnectionGatewayService;
  readonly metrics = new MetricsRegistry();
  readonly health = new Health();
  readonly #pool: TestGateway;
  readonly #authoritySecret = generateSecret(randomBytes);
  readonly #directory = mkdtempSync(join(tmpdir(), 'sluice-orders-'));
  readonly #sockets: Socket[] = [];
  #http: HealthServer | undefined;
  #stopped: Promise<void> | undefined;

  /** @param pool its channel-manager and jobs; the gateway of its own is not connected to */
  private constructor(pool: TestGateway, limits: Partial<GatewayLimits>) {
    this.#pool = pool;
    const modules = { clock: systemClock, log: silentLogger(), ec, random: randomBytes };
    this.service = createConnectionGatewayService(
      {
        listen: [{ host: LOOPBACK, port: 0 }],
        ...{ label: 'test', solutionEndpoints: [], drainMs: 200, reconnectVendors: [] },
        limits: { ...defaultLimits, lingerMs: 50, ...limits },
      },
      {
        ...{ ...modules, bus: pool.bus, metrics: this.metrics, health: this.health, aead, sha256d: wasmSha256d },
        identity: selfCertified(this.#authoritySecret, 3_600, modules),
      },
    );
  }

  static async start(limits: Partial<GatewayLimits> = {}): Promise<TestService> {
    const bus = await createInProcessBus({ onError: () => undefined });
    const pool = await TestGateway.start({ bus });
    bus.serve(subjectName('extranonceRange'), 'channel-manager', () =>
      RangeReply.encode({ kind: 'granted', incarnation: 9n }),
    );
    const test = new TestService(pool, limits);
    const tokenFile = join(test.#directory, 'token');
    writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
    const { health, metrics } = test;
    const orderRoutes = new OrderRoutes({ log: silentLogger(), clock: systemClock });
    addDrainRoute(orderRoutes, tokenFile, test.service.orders);
    test.#http = await startHealthServer({ host: LOOPBACK, port: 0 }, { health, metrics, orderRoutes });
    await test.service.start();
    return test;
  }

  /** A peer that says nothing. Resolves when the gateway has it, or has refused it. */
  async connect(): Promise<Socket> {
    const { connections } = this.service.orders.progress;
    const socket = this.#open();
    await Promise.race([
      new Promise((resolve) => socket.once('close', resolve)),
      (async () => {
        while (this.service.orders.progress.connections === connections && !socket.destroyed)
          await new Promise((resolve) => setImmediate(resolve));
      })(),
    ]);
    return socket;
  }

  /** A miner with a channel and its first work. */
  async miner(): Promise<TestMiner> {
    const authorityKey = ec.xOnlyPublicKey(this.#authoritySecret);
    const now = unixSeconds(systemClock);
    const miner = new TestMiner(this.#open(), { ec, aead, random: randomBytes, now, authorityKey });
    await miner.handshake();
    await miner.setup();
    await miner.openExtended();
    await miner.skip(2);
    return miner;
  }

  /** Asks, or tells. @param query such as `order=1&keep=0&seconds=1`. */
  async drain(method: 'GET' | 'POST' | 'DELETE', query = ''): Promise<{ status: number; body: unknown }> {
    const response = await fetch(`http://${LOOPBACK}:${this.#http?.port}/drain?${query}`, {
      method,
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    return { status: response.status, body: await response.json() };
  }

  /** Over the bus. */
  tell(order: Control): void {
    this.#pool.bus.publish(subjectName('control', 9n), Control.encode(order));
  }

  async progress(): Promise<ConnectionGatewayService['orders']['progress']> {
    const { body } = await this.drain('GET');
    return body as ConnectionGatewayService['orders']['progress'];
  }

  /** One of its metrics, with its labels. */
  async metric(name: string): Promise<number> {
    const line = (await this.metrics.scrape()).split('\n').find((each) => each.startsWith(`${name} `));
    if (line === undefined) throw new Error(`there is no metric ${name}`);
    return Number(line.slice(name.length));
  }

  /** As at the end of the process. */
  stop(): Promise<void> {
    this.#stopped ??= this.service.stop();
    return this.#stopped;
  }

  async dispose(): Promise<void> {
    await this.stop();
    for (const socket of this.#sockets) socket.destroy();
    await this.#http?.close();
    await this.#pool.stop();
    rmSync(this.#directory, { recursive: true });
  }

  #open(): Socket {
    const socket = connect({ host: LOOPBACK, port: this.service.addresses[0]?.port ?? 0 });
    socket.on('error', () => undefined);
    socket.resume();
    this.#sockets.push(socket);
    return socket;
  }
}
