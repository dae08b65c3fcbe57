// The gateway over real sockets, its miners in another process: CPU of this process for each share, and the time from a new tip in the
// feed to its last byte. Every answer is counted before a figure is shown.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { TestGateway } from '../test/support/test-gateway.ts';

const SHARES_MS = 4_000;

interface Load {
  readonly gateway: TestGateway;
  /** Sends an order to the client and resolves with its next line. */
  ask(order: string): Promise<string>;
  end(): Promise<void>;
}

async function load(connections: number, inFlight: number): Promise<Load> {
  const gateway = await TestGateway.start({ limits: { messagesPerSecond: 1e9, shareWindowMs: 20 } });
  gateway.clock.now = () => Date.now();
  gateway.clock.monotonic = () => performance.now();
  const server = createServer({ noDelay: true }, (socket) => gateway.gateway.accept(socket, '127.0.0.1'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  assert(typeof address === 'object' && address !== null);
  const script = fileURLToPath(import.meta.resolve('./load-client.ts'));
  const args = [script, address.port, connections, inFlight].map(String);
  const client: ChildProcess = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  assert(client.stdout !== null && client.stdin !== null);
  const lines = createInterface({ input: client.stdout })[Symbol.asyncIterator]();
  const line = async () => String((await lines.next()).value);
  assert.equal(await line(), 'ready');
  return {
    gateway,
    ask: (order) => {
      client.stdin?.write(`${order}\n`);
      return line();
    },
    async end() {
      client.stdin?.end();
      await once(client, 'exit');
      server.close();
      await gateway.stop();
    },
  };
}

async function shares(connections: number, inFlight: number): Promise<void> {
  const { gateway, ask, end } = await load(connections, inFlight);
  const before = process.cpuUsage();
  const started = performance.now();
  const [, acknowledged, , refused] = (await ask(`shares ${SHARES_MS}`)).split(' ').map(Number) as number[];
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(before);
  assert.equal(refused, 0);
  assert.equal(acknowledged, gateway.counters.sharesStored);
  const each = (user + system) / (acknowledged ?? 1);
  console.log(
    `${connections} connections, ${inFlight} in flight: ${acknowledged} shares in ${seconds.toFixed(1)} s, ` +
      `${each.toFixed(2)} µs CPU a share (${((user + system) / 1e4 / seconds).toFixed(0)} % of a core)`,
  );
  await end();
}

async function tips(connections: number): Promise<void> {
  const { gateway, ask, end } = await load(connections, 1);
  for (let round = 1; round <= 5; round++) {
    const jobId = 16 + 16 * round;
    await gateway.job({ jobId, future: true });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const told = ask('tip');
    await new Promise((resolve) => setTimeout(resolve, 100));
    let written = '';
    const before = process.cpuUsage();
    const started = Date.now();
    const startedAt = performance.now();
    gateway.onTipDone = () => {
      const { user, system } = process.cpuUsage(before);
      const ms = [performance.now() - startedAt, user / 1e3, system / 1e3].map((value) => value.toFixed(0));
      written = `written after ${ms[0]} ms (CPU ${ms[1]} user, ${ms[2]} system)`;
    };
    await gateway.tip(jobId, gateway.prevHash(round + 1));
    const [, at] = (await told).split(' ').map(Number) as number[];
    console.log(`tip to ${connections} connections: ${written}, last told after ${(at ?? 0) - started} ms`);
  }
  await end();
}

await shares(1, 1_000);
await shares(100, 20);
await shares(1_000, 20);
await shares(1_000, 1);
await tips(10_000);
