// The contract of the bus over real nats-servers: one, and three with three copies of everything. And what only a server can do: go away.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus, BusStatus } from '@sluice/bus/bus';
import { isBusError } from '@sluice/bus/errors';
import { connectNatsBus } from '@sluice/bus/nats/nats-bus';
import type { StreamName } from '@sluice/bus/streams';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bytesOf,
  CONTRACT_CREDITS_BYTES,
  describeBusContract,
  expectCode,
  interestReaches,
  textOf,
  uniqueToken,
  until,
} from '../support/bus-contract.ts';
import { NatsServer } from '../support/nats-server.ts';

interface Installation {
  readonly servers: readonly NatsServer[];
  readonly buses: readonly [Bus, Bus];
}

async function install(servers: readonly NatsServer[]): Promise<Installation> {
  const options = {
    servers: servers.map(({ url }) => url),
    monitors: servers.map(({ monitor }) => monitor),
    replicas: servers.length,
    maxBytes: { CREDITS: CONTRACT_CREDITS_BYTES, SHARES: 256 * 1_048_576, SOLUTIONS: 64 * 1_048_576 },
  };
  return { servers, buses: [await connectNatsBus(options), await connectNatsBus(options)] };
}

async function remove({ servers, buses }: Installation): Promise<void> {
  await Promise.all(buses.map((bus) => bus.close()));
  await Promise.all(servers.map((server) => server.dispose()));
}

describe('bus over one nats-server', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await install([await NatsServer.start()]);
  });
  afterAll(() => remove(installation));
  describeBusContract({ client: () => installation.buses[0], otherClient: () => installation.buses[1] });
  describe('when the server dies', () => outageContract(() => installation));

  it('gives a record to live subscribers once more when its answer was late, and stores it once', async () => {
    const [bus, other] = installation.buses;
    const [server] = installation.servers;
    const name = `shares.${uniqueToken()}`;
    const heard: string[] = [];
    other.subscribe(name, (payload) => heard.push(textOf(payload)));
    await interestReaches(bus, other);
    await bus.append('SHARES', name, bytesOf('a'));
    process.kill(server?.pid ?? 0, 'SIGSTOP');
    const late = bus.append('SHARES', name, bytesOf('b'));
    // It is on its way, and its time has begun, before that of the next line.
    await sleep(1);
    // Longer than an answer is waited for, and shorter than a connection without a sign of life is kept.
    await sleep(1_500);
    process.kill(server?.pid ?? 0, 'SIGCONT');
    const { sequence } = await late;
    expect((await bus.append('SHARES', name, bytesOf('c'))).sequence).toBe(sequence + 1);
    await until(() => heard.includes('c'));
    expect(heard.filter((text) => text === 'b').length).toBeGreaterThan(1);
    expect([...new Set(heard)]).toEqual(['a', 'b', 'c']);
  });
});

describe('the streams on a nats-server', () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await NatsServer.start();
  });
  afterAll(() => server.dispose());

  it('are made larger by a process that starts, and never smaller', async () => {
    const MiB = 1_048_576;
    const open = async (sharesBytes: number) => {
      const errors: string[] = [];
      const onError = (error: unknown) => errors.push(String(error));
      const bus = await connectNatsBus({ servers: server.url, maxBytes: { SHARES: sharesBytes }, onError });
      for (let round = 0; round < 3; round += 1) await bus.append('SHARES', 'shares.1', bytesOf('x'));
      const { maxBytes } = await bus.state('SHARES');
      await bus.close();
      return { maxBytes, errors };
    };
    expect(await open(64 * MiB)).toEqual({ maxBytes: 64 * MiB, errors: [] });
    expect(await open(128 * MiB)).toEqual({ maxBytes: 128 * MiB, errors: [] });
    const smaller = await open(32 * MiB);
    expect(smaller.maxBytes).toBe(128 * MiB);
    expect(smaller.errors.length).toBe(1);
    expect(smaller.errors[0]).toContain('bus-stream-mismatch');
    expect(smaller.errors[0]).toContain('max_bytes 134217728 where the settings here say 33554432');
  });

  it('are refused where they would lose what is acknowledged', async () => {
    const bus = await connectNatsBus({ servers: server.url });
    const config = { name: 'SOLUTIONS', subjects: ['solution', 'solution.result'], storage: 'memory' };
    await bus.request('$JS.API.STREAM.CREATE.SOLUTIONS', bytesOf(JSON.stringify(config)), 5_000);
    await expectCode(bus.append('SOLUTIONS', 'solution', bytesOf('x')), 'bus-stream-mismatch');
    await bus.close();
  });

  it('cannot have more copies than there are servers', async () => {
    const errors: string[] = [];
    const onError = (error: unknown) => errors.push(String(error));
    const bus = await connectNatsBus({ servers: server.url, replicas: 3, onError });
    for (let round = 0; round < 3; round += 1)
      await expectCode(bus.append('CREDITS', 'credit.1', bytesOf('x')), 'bus-server-refused');
    await bus.close();
    expect(errors).toEqual([
      expect.stringContaining('CREDITS cannot have 3 copies of 17179869184 bytes: replicas > 1'),
    ]);
  });
});

/** What the server says that a stream is set to. */
async function configOf(bus: Bus, stream: string): Promise<{ readonly num_replicas: number }> {
  const reply = await bus.request(`$JS.API.STREAM.INFO.${stream}`, new Uint8Array(), 5_000);
  return (JSON.parse(textOf(reply)) as { config: { num_replicas: number } }).config;
}

describe('bus over three nats-servers', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await install(await NatsServer.startCluster());
  });
  afterAll(() => remove(installation));

  it('adds the copies that a bucket lacks', async () => {
    const url = installation.servers.map((server) => server.url);
    const single = await connectNatsBus({ servers: url });
    await single.kv('channels');
    await installation.buses[0].kv('channels');
    expect((await configOf(single, 'KV_channels')).num_replicas).toBe(3);
    await single.close();
  });

  describeBusContract({ client: () => installation.buses[0], otherClient: () => installation.buses[1] });

  it('says that it is durable when all three say so', async () => {
    await installation.buses[0].append('SHARES', `shares.${uniqueToken()}`, bytesOf('x'));
    expect(installation.buses[0].durability()).toBe('synced');
  });

  it('keeps its three copies when a process is set to one', async () => {
    const url = installation.servers.map((server) => server.url);
    const errors: unknown[] = [];
    const single = await connectNatsBus({ servers: url, onError: (error) => errors.push(error) });
    await single.append('SHARES', `shares.${uniqueToken()}`, bytesOf('x'));
    expect((await configOf(single, 'SHARES')).num_replicas).toBe(3);
    expect(String(errors[0])).toContain('num_replicas 3 where the settings here say 1');
    await single.close();
  });

  it('goes on without one of them and keeps every acknowledged record', async () => {
    const [bus, other] = installation.buses;
    const name = `shares.${uniqueToken()}`;
    const seen: string[] = [];
    const consumer = await other.consume('SHARES', { filter: name, batch: 64 }, ({ payload }) => {
      seen.push(textOf(payload));
    });
    const acknowledged: string[] = [];
    for (let index = 0; index < 300; index++) {
      if (index % 100 === 50) await installation.servers[Math.floor(index / 100)]?.kill();
      await appendUntilStored(bus, name, String(index));
      acknowledged.push(String(index));
      if (index % 100 === 99) await installation.servers[Math.floor(index / 100)]?.launch();
    }
    await until(() => seen.length >= acknowledged.length, 30_000);
    expect(seen).toEqual(acknowledged);
    await consumer.close();
  });

  it('reads on in a stream in memory that began anew, and says the time at which it was first made', async () => {
    const [bus, other] = installation.buses;
    const token = uniqueToken();
    const made = async () => {
      const reply = await bus.request('$JS.API.STREAM.INFO.TEMPLATES', new Uint8Array(), 5_000);
      return (JSON.parse(textOf(reply)) as { created: string }).created;
    };
    const tell = (text: string) => appendUntilStored(bus, `tip.${token}`, text, 'TEMPLATES');
    const seen: string[] = [];
    const consumer = await other.consume('TEMPLATES', { filter: `tip.${token}`, batch: 8 }, ({ payload }) => {
      seen.push(textOf(payload));
    });
    for (const text of ['a', 'b', 'c']) await tell(text);
    await until(() => seen.length === 3);
    const before = await made();
    for (const server of installation.servers) await server.kill();
    await Promise.all(installation.servers.map((server) => server.launch()));
    await until(() => bus.status() === 'up' && other.status() === 'up', 30_000);
    await tell('after');
    expect(await made()).toBe(before);
    await until(() => seen.length === 4, 30_000);
    expect(seen).toEqual(['a', 'b', 'c', 'after']);
    await consumer.close();
  });
});

/** As a gateway does it: the same bytes again under the same id until there is an answer. */
async function appendUntilStored(bus: Bus, name: string, text: string, stream: StreamName = 'SHARES'): Promise<void> {
  for (;;) {
    try {
      await bus.append(stream, name, bytesOf(text), { messageId: `${name}-${text}`, timeoutMs: 1_000 });
      return;
    } catch (error) {
      if (!isBusError(error, 'bus-timeout') && !isBusError(error, 'bus-down')) throw error;
    }
  }
}

function outageContract(installation: () => Installation): void {
  it('says so, refuses what cannot wait, and everything goes on when it is back', async () => {
    const [bus, other] = installation().buses;
    const [server] = installation().servers;
    const token = uniqueToken();
    const name = `shares.${token}`;
    const changes: BusStatus[] = [];
    bus.onStatus((status) => changes.push(status));
    const heard: string[] = [];
    other.subscribe(`control.${token}`, (payload) => heard.push(textOf(payload)));
    other.serve(`channel.${token}`, 'q', () => bytesOf('yes'));
    const ordered: string[] = [];
    const durable: string[] = [];
    const keys: string[] = [];
    const tips: string[] = [];
    await other.consume('TEMPLATES', { filter: `tip.${token}`, batch: 8 }, ({ payload }) => {
      tips.push(textOf(payload));
    });
    await other.consume('SHARES', { filter: name, batch: 8 }, ({ payload }) => {
      ordered.push(textOf(payload));
    });
    await other.consume('SHARES', { filter: name, durable: `d-${token}`, batch: 8 }, ({ payload }) => {
      durable.push(textOf(payload));
    });
    const bucket = await bus.kv('channels');
    await (await other.kv('channels')).watch(({ key }) => {
      if (key.startsWith(token)) keys.push(key);
    });
    await bucket.put(`${token}.before`, bytesOf('1'));
    await bus.append('SHARES', name, bytesOf('before'));
    await bus.append('TEMPLATES', `tip.${token}`, bytesOf('before'));
    await until(() => ordered.length === 1 && durable.length === 1 && keys.length === 1 && tips.length === 1);

    await server?.kill();
    await until(() => bus.status() === 'down' && other.status() === 'down');
    bus.publish(`control.${token}`, bytesOf('lost'));
    await expectCode(bus.append('SHARES', name, bytesOf('never'), { timeoutMs: 300 }), 'bus-down');
    await expectCode(bus.request(`channel.${token}`, bytesOf('?'), 300), 'bus-down');
    const waiting = bus.append('SHARES', name, bytesOf('during'), { messageId: token, timeoutMs: 20_000 });
    await server?.launch();

    const before = performance.now();
    await waiting;
    expect(performance.now() - before).toBeLessThan(5_000);
    expect(changes.slice(0, 2)).toEqual(['down', 'up']);
    await bus.append('SHARES', name, bytesOf('after'));
    await bucket.put(`${token}.after`, bytesOf('2'));
    await until(() => ordered.length === 3 && durable.length === 3 && keys.length === 2, 15_000);
    expect(ordered).toEqual(['before', 'during', 'after']);
    expect(durable).toEqual(['before', 'during', 'after']);
    expect(keys).toEqual([`${token}.before`, `${token}.after`]);
    await until(() => other.status() === 'up');
    await interestReaches(bus, other);
    bus.publish(`control.${token}`, bytesOf('after'));
    expect(textOf(await bus.request(`channel.${token}`, bytesOf('?'), 5_000))).toBe('yes');
    await until(() => heard.length === 1);
    expect(heard).toEqual(['after']);
    // A stream in memory begins anew: it is made again at its next use.
    await bus.append('TEMPLATES', `tip.${token}`, bytesOf('after'));
    expect((await bus.read('TEMPLATES', 1, 1_000)).map(({ payload }) => textOf(payload))).toEqual(['after']);
    await until(() => tips.length === 2, 15_000);
    expect(tips).toEqual(['before', 'after']);
  });

  it('lets a consumer be closed at once while it is away', async () => {
    const [bus] = installation().buses;
    const [server] = installation().servers;
    const name = `shares.${uniqueToken()}`;
    const seen: string[] = [];
    const options = { filter: name, batch: 8 };
    const ordered = await bus.consume('SHARES', options, ({ payload }) => void seen.push(textOf(payload)));
    const durable = await bus.consume('SHARES', { ...options, durable: `d-${uniqueToken()}` }, ({ payload }) => {
      seen.push(textOf(payload));
    });
    await bus.append('SHARES', name, bytesOf('x'));
    await until(() => seen.length === 2);
    await server?.kill();
    await until(() => bus.status() === 'down');
    const late = await bus.consume('SHARES', options, () => undefined);
    // Behind the pause after which each waits for the connection.
    await sleep(500);
    const before = performance.now();
    await Promise.all([ordered.close(), durable.close(), late.close()]);
    expect(performance.now() - before).toBeLessThan(500);
    await server?.launch();
    await until(() => bus.status() === 'up');
  });

  it('ends an append that was under way with an unknown outcome, and stores it once when it is repeated', async () => {
    const [bus] = installation().buses;
    const [server] = installation().servers;
    const name = `shares.${uniqueToken()}`;
    for (let round = 0; round < 3; round++) {
      const running = Array.from({ length: 20 }, (_, index) => appendUntilStored(bus, name, `${round}-${index}`));
      await sleep(round);
      await server?.kill();
      await server?.launch();
      await Promise.all(running);
    }
    const stored: string[] = [];
    const consumer = await bus.consume('SHARES', { filter: name, batch: 64 }, ({ payload }) => {
      stored.push(textOf(payload));
    });
    await until(() => stored.length >= 60);
    await sleep(200);
    expect(stored.length).toBe(60);
    expect(new Set(stored).size).toBe(60);
    await consumer.close();
  });
}
