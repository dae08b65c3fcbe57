import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { durabilityOf, durabilityTrouble, readServerSettings } from '../src/nats/server-durability.ts';

const always = { always: true, intervalSeconds: 0 };
const later = { always: false, intervalSeconds: 120 };

it.each([
  [[], {}, 'unknown', undefined],
  [['a'], { a: always }, 'synced', undefined],
  [['a', 'b'], { a: always, b: later }, 'not-synced', /not synced: server b has sync_interval 120s, not always$/],
  [['a', 'b'], { a: always }, 'unknown', /unknown: .* server b$/],
  [['a'], { b: later }, 'unknown', /unknown: .* server a$/],
] as const)('streams on %j with %j are %s', (names, settings, durability, trouble) => {
  const holders = new Set<string>(names);
  const told = new Map(Object.entries(settings));
  expect(durabilityOf(holders, told)).toBe(durability);
  if (trouble === undefined) expect(durabilityTrouble(holders, told)).toBeUndefined();
  else expect(durabilityTrouble(holders, told)).toMatch(trouble);
});

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function monitorThat(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it('reads of each server how it syncs, and leaves out those who do not tell', async () => {
  const varz = (name: string, config: object) => JSON.stringify({ server_name: name, jetstream: { config } });
  const monitors = await Promise.all([
    monitorThat(({ url }, response) => response.end(url === '/varz' ? varz('a', { sync_always: true }) : '')),
    monitorThat((_request, response) => response.end(varz('b', { sync_interval: 120e9 }))),
    monitorThat((_request, response) => response.end(JSON.stringify({ server_name: 'without streams' }))),
    monitorThat((_request, response) => response.writeHead(404).end('no such page')),
    monitorThat((request) => request.socket.destroy()),
    monitorThat((_request, response) => response.write('{"server_name": "stops halfway')),
    monitorThat(() => undefined),
  ]);
  expect(await readServerSettings([...monitors, 'http://127.0.0.1:1'])).toEqual(
    new Map([
      ['a', { always: true, intervalSeconds: 0 }],
      ['b', { always: false, intervalSeconds: 120 }],
    ]),
  );
});
