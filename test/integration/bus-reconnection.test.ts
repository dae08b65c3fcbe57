// A bus whose nats-server goes away again while the connection to it is being made, as one does that is started and killed at once.
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Bus } from '@sluice/bus/bus';
import { connectNatsBus } from '@sluice/bus/nats/nats-bus';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NatsServer } from '../support/nats-server.ts';
import { waitFor } from '../support/wait-for.ts';

/** Of one connection that came to nothing, and the next one. The library by itself takes twenty seconds for the first. */
const RECONNECTED_MS = 10_000;

describe('the bus behind a connection that breaks in its handshake', () => {
  let server: NatsServer;
  let gate: Server;
  let bus: Bus;
  const sockets = new Set<Socket>();
  /** How many of the next connections end when the client has answered the server's greeting. */
  let broken = 0;

  beforeAll(async () => {
    server = await NatsServer.start();
    gate = createServer((client) => {
      const isBroken = broken > 0;
      broken -= Number(isBroken);
      const way = connect(server.port, '127.0.0.1');
      way.on('data', (chunk) => client.write(chunk));
      client.on('data', (chunk) => (isBroken ? client.destroy() : way.write(chunk)));
      for (const [socket, other] of [
        [client, way],
        [way, client],
      ] as const) {
        sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          sockets.delete(socket);
          other.destroy();
        });
      }
    });
    await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve));
    bus = await connectNatsBus({ servers: `nats://127.0.0.1:${(gate.address() as AddressInfo).port}` });
  });
  afterAll(async () => {
    await bus?.close();
    for (const socket of sockets) socket.destroy();
    gate?.close();
    await server?.dispose();
  });

  it('is there again soon', async () => {
    broken = 1;
    const brokenAt = performance.now();
    for (const socket of sockets) socket.destroy();
    await waitFor(() => broken === 0);
    await waitFor(() => bus.status() === 'up', 30_000);
    expect(performance.now() - brokenAt).toBeLessThan(RECONNECTED_MS);
    await bus.append('SHARES', 'shares.1', new Uint8Array(1));
  });
});
