// A user of a real nats-server who may not listen yet: as after an upgrade, where pods are there before the servers have read what is new.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectBus } from '@sluice/bus/bus-settings';
import { systemClock } from '@sluice/runtime/clock';
import { Health } from '@sluice/runtime/health';
import { silentLogger } from '@sluice/runtime/logger';
import { afterAll, expect, it } from 'vitest';
import { NatsServer } from '../support/nats-server.ts';
import { waitFor } from '../support/wait-for.ts';

const USER = 'channel-manager';
const directory = mkdtempSync(join(tmpdir(), 'sluice-refused-'));
const passwordFile = join(directory, 'password');
writeFileSync(passwordFile, 'password', { mode: 0o600 });
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const configuration = ({ port, monitorPort, directory: home }: NatsServer, heard: readonly string[]) => `
listen: "127.0.0.1:${port}"
http: "127.0.0.1:${monitorPort}"
log_file: "${join(home, 'server.log')}"
jetstream { store_dir: "${join(home, 'store')}" }
authorization { users: [{
  user: "${USER}", password: "password"
  permissions { publish: ">", subscribe: ${JSON.stringify(['_INBOX.>', ...heard])} }
}] }
`;

it('is heard of as soon as the server lets it be, told of once, and the process is not ready before', async () => {
  const heard: string[] = [];
  const server = await NatsServer.start({ configuration: (self) => configuration(self, heard) });
  const health = new Health();
  const told: string[] = [];
  const log = Object.assign(silentLogger(), { warn: ({ reason }: { reason: string }) => void told.push(reason) });
  const bus = await connectBus(
    {
      ...{ nats: [new URL(server.url)], natsUser: USER, natsPasswordFile: passwordFile, natsCaFile: undefined },
      ...{ natsMonitors: [], natsReplicas: 1, natsSharesBytes: 1_048_576, natsCreditsBytes: 1_048_576 },
    },
    { service: 'channel-manager', log, clock: systemClock, health },
  );
  try {
    const messages: number[] = [];
    bus.subscribe('news.*', (payload) => void messages.push(payload[0] ?? 0));
    bus.subscribe('closed', () => undefined).close();
    bus.serve('question', 'queue', (payload) => payload);
    const refused = { patterns: ['news.*', 'question'], count: expect.any(Number) };
    await waitFor(() => bus.refusals().patterns.length === 2);
    expect(bus.refusals()).toEqual(refused);
    expect(health.readiness().checks.get('bus')).toBe('the servers refuse news.*, question');
    // Another connection, which brings no rights.
    await server.kill();
    await waitFor(() => bus.status() === 'down');
    await server.launch();
    await waitFor(() => bus.status() === 'up');
    const before = bus.refusals().count;
    await waitFor(() => bus.refusals().count > before + 2);
    expect(bus.refusals()).toEqual(refused);

    heard.push('news.*', 'question');
    writeFileSync(join(server.directory, 'server.conf'), configuration(server, heard));
    process.kill(server.pid ?? 0, 'SIGHUP');
    await waitFor(() => bus.refusals().patterns.length === 0, 40_000);
    expect(health.readiness()).toMatchObject({ ready: true });
    expect(await bus.request('question', Uint8Array.of(7), 5_000)).toEqual(Uint8Array.of(7));
    bus.publish('news.1', Uint8Array.of(1));
    await waitFor(() => messages.length > 0);
    expect(messages).toEqual([1]);
    for (const pattern of ['news.*', 'question'])
      expect(told.filter((reason) => reason.includes(pattern))).toHaveLength(1);
  } finally {
    await bus.close();
    await server.dispose();
  }
});
