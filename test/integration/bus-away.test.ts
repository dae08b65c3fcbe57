// A service that is started before its bus says so, in its readiness and once in its log.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { NatsServer } from '../support/nats-server.ts';
import { waitFor } from '../support/wait-for.ts';

const program = join(import.meta.dirname, '../../cli/src/main.ts');

let nats: NatsServer;
let child: ChildProcess | undefined;
beforeAll(async () => {
  nats = await NatsServer.start();
  await nats.kill();
});
afterAll(async () => {
  child?.kill('SIGKILL');
  await nats.stop();
});

it('waits for the bus and says what for', async () => {
  const port = await freePort();
  const argv = ['template-provider', '--simulated-chain', '--network', 'regtest', '--nats', nats.url];
  const places = ['--health', `127.0.0.1:${port}`, '--solution-listen', '127.0.0.1:0'];
  child = spawn(process.execPath, [program, ...argv, ...places], { cwd: nats.directory });
  let log = '';
  child.stdout?.on('data', (chunk) => (log += chunk));
  const ready = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    return { status: response?.status, body: (await response?.text()) ?? '' };
  };
  await waitFor(async () => (await ready()).body.includes(`wait bus: cannot reach ${nats.url}: ECONNREFUSED`));
  await waitFor(() => log.includes('the bus cannot be reached, waiting for it'));

  await nats.launch();
  await waitFor(async () => (await ready()).status === 200);
  await nats.kill();
  await waitFor(async () => (await ready()).body.includes('wait bus: the bus is down'));
  expect((await ready()).status).toBe(503);
  expect(log.match(/the bus cannot be reached/g)).toHaveLength(1);
});
