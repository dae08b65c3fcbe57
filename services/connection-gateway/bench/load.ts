// A gateway behind real sockets and its miners in another process, for the benches of this folder.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ChannelKind } from '@sluice/mining/channel';
import { TestGateway } from '../test/support/test-gateway.ts';

export interface Load {
  readonly gateway: TestGateway;
  /** Sends an order to the client and resolves with its next line. */
  ask(order: string): Promise<string>;
  end(): Promise<void>;
}

/** Resolves when every miner has its channel, of this kind, and its first job. */
export async function startLoad(connections: number, inFlight: number, kind: ChannelKind = 'standard'): Promise<Load> {
  const gateway = await TestGateway.start({
    limits: { messagesPerSecond: 1e9, messagesPerSecondPerAddress: 1e9, shareWindowMs: 20 },
    // A full block's, where it is hashed for each share.
    levels: kind === 'extended' ? 12 : 1,
  });
  gateway.clock.now = () => Date.now();
  gateway.clock.monotonic = () => performance.now();
  const server = createServer({ noDelay: true }, (socket) => gateway.gateway.accept(socket, '127.0.0.1'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  assert(typeof address === 'object' && address !== null);
  const script = fileURLToPath(import.meta.resolve('./load-client.ts'));
  const args = [script, address.port, connections, inFlight, kind].map(String);
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
