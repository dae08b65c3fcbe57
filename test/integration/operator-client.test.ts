// The operator's requests to a real API server: the connections that they take, and who they say that asks.
import { X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { MetricsRegistry } from '@sluice/runtime/metrics';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { KubernetesClient } from '../../operator/src/kubernetes/client.ts';
import { kubeconfigAccess } from '../../operator/src/kubernetes/cluster-access.ts';
import { ConnectProxy } from '../support/connect-proxy.ts';
import { whyNoKubernetes } from '../support/kubernetes/binaries.ts';
import { ControlPlane } from '../support/kubernetes/control-plane.ts';
import { TcpRelay } from '../support/tcp-relay.ts';
import { makeTlsPair } from '../support/tls-certificate.ts';
import { waitFor } from '../support/wait-for.ts';

const missing = whyNoKubernetes();
const directory = mkdtempSync(join(tmpdir(), 'sluice-client-'));
const getDefault = { method: 'GET', path: '/api/v1/namespaces/default' } as const;
const clients: KubernetesClient[] = [];

function clientOf(cluster: object, user: object, metrics = new MetricsRegistry()): KubernetesClient {
  const file = join(directory, 'kubeconfig');
  const config = {
    ...{ 'current-context': 'it', contexts: [{ name: 'it', context: { cluster: 'it', user: 'it' } }] },
    ...{ clusters: [{ name: 'it', cluster }], users: [{ name: 'it', user }] },
  };
  writeFileSync(file, stringify(config), { mode: 0o600 });
  const client = new KubernetesClient(kubeconfigAccess(file), { metrics });
  clients.push(client);
  return client;
}

/** A program that hands out what stands in a file now. */
function plugin(file: string, before = ''): object {
  const command = join(directory, 'plugin');
  writeFileSync(command, `#!/bin/sh\n${before}\ncat '${file}'\n`);
  chmodSync(command, 0o700);
  return { exec: { apiVersion: 'client.authentication.k8s.io/v1', command, interactiveMode: 'Never' } };
}

/** @param status of an ExecCredential; it has expired as soon as it is read */
function handOut(status: object): string {
  const file = join(directory, 'credential.json');
  const expirationTimestamp = new Date(Date.now() - 1_000).toISOString();
  writeFileSync(file, JSON.stringify({ kind: 'ExecCredential', status: { ...status, expirationTimestamp } }));
  return file;
}

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(() => rmSync(directory, { recursive: true }));

describe.skipIf(missing !== undefined)(`requests${missing === undefined ? '' : ` (${missing})`}`, () => {
  let plane: ControlPlane;
  let relay: TcpRelay;
  let cluster: { readonly server: string };
  let admin: { readonly token: string };

  beforeAll(async () => {
    plane = await ControlPlane.start();
    relay = await TcpRelay.start(Number(new URL(plane.url).port));
    const config = parse(readFileSync(plane.kubeconfig, 'utf8'));
    cluster = { ...config.clusters[0].cluster, server: `https://127.0.0.1:${relay.port}` };
    admin = config.users[0].user;
  });
  afterAll(async () => {
    await relay.stop();
    await plane.stop();
  });

  it('go over one connection, one after the other, whose credentials are the same', async () => {
    const client = clientOf(cluster, plugin(handOut(admin)));
    const before = relay.accepted;
    for (let sent = 0; sent < 20; sent += 1)
      expect(await client.request(getDefault)).toMatchObject({ kind: 'Namespace', metadata: { name: 'default' } });
    expect(relay.accepted - before).toBe(1);
  });

  it('are of whomever a program says that they are now', async () => {
    const client = clientOf(cluster, plugin(handOut({ token: 'of nobody' })));
    await expect(client.request(getDefault)).rejects.toMatchObject({ code: 'api-forbidden', status: 401 });
    handOut(admin);
    expect(await client.request(getDefault)).toMatchObject({ kind: 'Namespace' });
  });

  it('end with their signal while a program that hands out credentials hangs', async () => {
    const pidFile = join(directory, 'pid');
    const client = clientOf(cluster, plugin(handOut(admin), `echo $$ > '${pidFile}'; exec sleep 1000`));
    const ending = new AbortController();
    const asked = client.request({ ...getDefault, signal: ending.signal });
    await waitFor(() => existsSync(pidFile) && readFileSync(pidFile, 'utf8') !== '');
    ending.abort();
    await expect(asked).rejects.toMatchObject({ code: 'api-unreachable' });
    process.kill(Number(readFileSync(pidFile, 'utf8')));
  });

  it('tell of a program that fails, and count as requests without an answer', async () => {
    const metrics = new MetricsRegistry();
    const client = clientOf(cluster, plugin(join(directory, 'absent')), metrics);
    const refused = { code: 'access-unusable', message: expect.stringContaining('No such file') };
    await expect(client.request(getDefault)).rejects.toMatchObject(refused);
    const counted = { labels: { code: '<error>', method: 'GET' }, value: 1 };
    expect(await metrics.series('rest_client_requests_total')).toMatchObject([counted]);
  });

  it('go through the proxy that a kubeconfig names', async () => {
    const proxy = await ConnectProxy.start();
    const client = clientOf({ ...cluster, 'proxy-url': proxy.url }, admin);
    expect(await client.request(getDefault)).toMatchObject({ kind: 'Namespace' });
    expect(proxy.tunnels).toBe(1);
    await proxy.stop();
  });
});

describe('a client certificate', () => {
  const pair = makeTlsPair();
  let server: Server;
  let cluster: object;

  beforeAll(async () => {
    const asking = { cert: pair.certificate, key: pair.key, requestCert: true, rejectUnauthorized: false };
    server = createServer(asking, ({ socket }, answer) => {
      const { fingerprint256 } = (socket as TLSSocket).getPeerX509Certificate() ?? {};
      answer.end(JSON.stringify({ fingerprint256, port: socket.remotePort }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const authority = Buffer.from(pair.certificate).toString('base64');
    const { port } = server.address() as AddressInfo;
    cluster = { server: `https://127.0.0.1:${port}`, 'certificate-authority-data': authority };
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  it('that a program has exchanged is not asked with over a connection of the one before', async () => {
    const [first, second] = [makeTlsPair(), makeTlsPair()];
    const of = (each: typeof pair) => ({ clientCertificateData: each.certificate, clientKeyData: each.key });
    const client = clientOf(cluster, plugin(handOut(of(first))));
    const seen = [await client.request(getDefault), await client.request(getDefault)];
    handOut(of(second));
    seen.push(await client.request(getDefault));
    const fingerprints = [first, first, second].map(
      ({ certificate }) => new X509Certificate(certificate).fingerprint256,
    );
    expect(seen).toMatchObject(fingerprints.map((fingerprint256) => ({ fingerprint256 })));
    expect(seen[1]).toEqual(seen[0]);
  });
});
