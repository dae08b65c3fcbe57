// HAProxy in front of every port of the proxy, as its users have it: miners keep their addresses, and mine.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAuthorityKey } from '@sluice/cli/authority-keystore';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { HAPROXY_ADDRESS, Haproxy, whyNoHaproxy } from '../support/haproxy.ts';
import { LocalPool } from '../support/local-pool.ts';
import { ProxyProcess } from '../support/proxy-process.ts';
import { Sv1Miner } from '../support/sv1-miner.ts';
import { Sv2Client } from '../support/sv2-client.ts';
import { makeTlsPair } from '../support/tls-certificate.ts';
import { waitFor } from '../support/wait-for.ts';

/** A block takes 2^32 hashes: none is found here. */
const HARD_NBITS = 0x1d00_ffff;
const HASHRATE = 8_000;
const MINER_ADDRESS = '127.0.0.1';

const noHaproxy = whyNoHaproxy();
if (noHaproxy !== undefined) console.log(noHaproxy);

describe.skipIf(noHaproxy !== undefined)('HAProxy in front of the proxy', () => {
  let directory: string;
  let pool: LocalPool;
  let proxy: ProxyProcess;
  let haproxy: Haproxy;
  let client: Sv2Client | undefined;
  let ports: { readonly [name in 'plain' | 'tls' | 'sv2' | 'checked' | 'v1']: number };
  let authorityKey: string;
  const pair = makeTlsPair();

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'sluice-proxy-protocol-'));
    const [certificate, key, authority] = ['tls.crt', 'tls.key', 'authority.key'].map((file) => join(directory, file));
    writeFileSync(certificate!, pair.certificate);
    writeFileSync(key!, pair.key, { mode: 0o600 });
    authorityKey = openAuthorityKey(authority!).text;
    const [plain, tls, sv2, checked, v1] = await Promise.all(Array.from({ length: 5 }, freePort));
    ports = { plain: plain!, tls: tls!, sv2: sv2!, checked: checked!, v1: v1! };
    pool = await LocalPool.start({ nbits: HARD_NBITS });
    const [tlsTo, sv2To] = [await freePort(), await freePort()];
    proxy = await ProxyProcess.start({
      ...{ upstreams: [pool], identity: 'farm' },
      flags: [
        ...['--proxy-protocol-from', `${HAPROXY_ADDRESS},192.0.2.0/24`, '--log-level', 'debug'],
        ...['--listen-tls', `127.0.0.1:${tlsTo}`, '--tls-certificate-file', certificate!, '--tls-key-file', key!],
        ...['--listen-sv2', `127.0.0.1:${sv2To}`, '--authority-secret-file', authority!, '--shares-per-minute', '60'],
      ],
    });
    haproxy = await Haproxy.start([
      { port: ports.plain, to: proxy.port, options: 'send-proxy-v2' },
      { port: ports.tls, to: tlsTo, options: 'send-proxy-v2-ssl' },
      { port: ports.sv2, to: sv2To, options: 'send-proxy-v2' },
      { port: ports.checked, to: proxy.port, options: 'send-proxy-v2 check check-send-proxy inter 100ms' },
      { port: ports.v1, to: proxy.port, options: 'send-proxy' },
    ]);
  });
  afterAll(async () => {
    await client?.close();
    await haproxy?.stop();
    await proxy?.stop();
    await pool?.stop();
    rmSync(directory, { recursive: true });
  });

  const connect = (user: string, port: number, trusts?: string) => {
    const miner = new Sv1Miner({ port, user, hashrate: HASHRATE, ...(trusts === undefined ? {} : { trusts }) });
    proxy.miners.push(miner);
    return miner;
  };
  const addresses = async () => {
    const { clients } = (await proxy.api('/clients')) as {
      readonly clients: readonly { readonly worker: string; readonly address: string }[];
    };
    return new Map(clients.map(({ worker, address }) => [worker, address]));
  };

  test('miners of each port mine through it and have their own addresses, as one without it has', async () => {
    const miners = [
      connect('farm.plain', ports.plain),
      connect('farm.tls', ports.tls, pair.certificate),
      connect('farm.direct', proxy.port),
    ];
    client = await Sv2Client.connect({ port: ports.sv2, authorityKey });
    const channel = await client.openExtended({ identity: 'farm.sv2', hashRate: 500 });
    await Promise.all(miners.map(({ ready }) => ready));
    await waitFor(() => miners.every(({ accepted }) => accepted > 2));
    await waitFor(() => channel.job !== undefined);
    const share = channel.find('share', 1_000_000);
    client.submit(channel, share!);
    await waitFor(() => channel.record.accepted === 1);
    const seen = await addresses();
    for (const name of ['plain', 'tls', 'direct', 'sv2']) expect(seen.get(name)).toBe(MINER_ADDRESS);
    await proxy.pause();
    expect(miners.flatMap(({ rejections }) => rejections)).toEqual([]);
  });

  test('its own checks pass, as connections of its own', async () => {
    const log = () => proxy.process.log(5_000).split('\n');
    await waitFor(() =>
      log().some((line) => line.includes('connection accepted') && line.includes(`"remote":"${HAPROXY_ADDRESS}"`)),
    );
  });

  test('version 1 is closed, and the reason counted', async () => {
    await expect(connect('farm.old', ports.v1).ready).rejects.toThrow('ended before');
    expect(await proxy.metric('sv1_connections_closed_total{reason="proxy-header-v1"}')).toBeGreaterThan(0);
  });
});
