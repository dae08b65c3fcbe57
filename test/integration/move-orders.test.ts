// Gateway and proxy as processes that are told to move their miners away, and ended meanwhile.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAuthorityKey } from '@sluice/cli/authority-keystore';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { LocalPool } from '../support/local-pool.ts';
import { NatsServer } from '../support/nats-server.ts';
import { ProxyProcess } from '../support/proxy-process.ts';
import { ServiceProcess } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';

/** A block takes 2^32 hashes: none is found here. */
const HARD_NBITS = 0x1d00_ffff;

let directory: string;
let tokenFile: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-orders-'));
  tokenFile = join(directory, 'token');
  writeFileSync(tokenFile, 'first', { mode: 0o600 });
});
afterAll(() => rmSync(directory, { recursive: true }));

test("a proxy's miners go by half, and a signal in the middle of an order for all ends it soon", async () => {
  const pool = await LocalPool.start({ nbits: HARD_NBITS });
  const flags = ['--orders-token-file', tokenFile, '--shares-per-minute', '60'];
  const proxy = await ProxyProcess.start({ upstreams: [pool], identity: 'farm', flags });
  try {
    const miners = await proxy.connect(20, 8_000);
    const openOnes = () => miners.filter(({ isOpen }) => isOpen);
    await waitFor(() => miners.every(({ accepted }) => accepted > 0));
    expect((await proxy.drain('POST', 'other', 'order=1&keep=0&seconds=60')).status).toBe(401);
    const begun = await proxy.drain('POST', 'first', 'order=rebalance&keep=10&seconds=2');
    expect(await begun.json()).toEqual({ connections: 20, order: 'rebalance', left: 10 });
    await waitFor(() => openOnes().length === 10);
    const progress = async () => (await proxy.drain('GET', 'first')).json();
    await expect.poll(progress).toEqual({ connections: 10, order: 'rebalance', left: 0 });

    // As a Secret that is exchanged.
    writeFileSync(tokenFile, 'second');
    expect((await proxy.drain('GET', 'first')).status).toBe(401);
    await proxy.drain('POST', 'second', 'order=drain&keep=0&seconds=3600');
    expect(await proxy.metric('draining')).toBe(1);
    expect(await proxy.readiness()).toMatch(/^ready/);
    expect(await proxy.process.kill('SIGTERM')).toBe(0);
    await waitFor(() => openOnes().length === 0);
  } finally {
    await proxy.stop();
    await pool.stop();
  }
});

test('a gateway takes orders before it has work, and none without a token of its own', async () => {
  writeFileSync(tokenFile, 'first');
  const nats = await NatsServer.start();
  const [port, healthPort, silentPort] = [await freePort(), await freePort(), await freePort()];
  const key = join(directory, 'authority.key');
  openAuthorityKey(key);
  const plan = (name: string, health: number, more: readonly string[]) => ({
    ...{ name, command: 'connection-gateway', directory, healthPort: health },
    flags: [
      ...['--nats', nats.url, '--nats-monitors', nats.monitor, '--authority-secret-file', key],
      ...['--listen', `127.0.0.1:${port}`, ...more],
    ],
  });
  const gateway = new ServiceProcess(plan('with-token', healthPort, ['--orders-token-file', tokenFile]));
  const other = new ServiceProcess(plan('without', silentPort, []));
  const ask = async (method: string, query = '', at = healthPort) => {
    const headers = { authorization: 'Bearer first' };
    const response = await fetch(`http://127.0.0.1:${at}/drain?${query}`, { method, headers }).catch(() => undefined);
    return response?.status === 200 ? await response.json() : response?.status;
  };
  try {
    for (const process of [gateway, other]) process.launch();
    const told = { connections: 0, order: 'drain 1', left: 0 };
    await waitFor(async () => typeof (await ask('GET')) === 'object');
    expect(await ask('POST', 'order=drain%201&keep=0&seconds=60')).toEqual(told);
    expect(await ask('GET')).toEqual(told);
    expect(await gateway.metric('sluice_gateway_draining')).toBe(1);
    // Behind the bus, where the route would be added.
    await waitFor(() => other.log().includes('"msg":"cryptography"'));
    expect([await ask('GET', '', silentPort), await ask('POST', 'order=1&keep=0&seconds=60', silentPort)]).toEqual([
      404, 404,
    ]);
    expect(await gateway.kill('SIGTERM')).toBe(0);
  } finally {
    await Promise.all([gateway.kill(), other.kill()]);
    await nats.dispose();
  }
});
