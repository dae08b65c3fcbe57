// The program as a process, on an API server of a few lines.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { examplePool } from '../../../operator/test/defaulted.ts';
import { makeTlsPair } from '../../../test/support/tls-certificate.ts';

const program = join(import.meta.dirname, '../../src/kubectl/main.ts');
const directory = mkdtempSync(join(tmpdir(), 'sluice-kubectl-'));
const kubeconfig = join(directory, 'kubeconfig');
const pool = examplePool('production');
let server: Server;

beforeAll(async () => {
  const { certificate, key } = makeTlsPair();
  // It keeps its connections for an hour.
  server = createServer({ cert: certificate, key, keepAliveTimeout: 3_600_000 }, ({ url }, answer) => {
    const isThere = url?.includes('/miningpools/') === true;
    answer.writeHead(isThere ? 200 : 404).end(JSON.stringify(isThere ? pool : { message: 'not found' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const authority = Buffer.from(certificate).toString('base64');
  const config = {
    ...{ 'current-context': 'it', contexts: [{ name: 'it', context: { cluster: 'it', user: 'it' } }] },
    clusters: [{ name: 'it', cluster: { server: url, 'certificate-authority-data': authority } }],
    users: [{ name: 'it', user: { token: 'token' } }],
  };
  writeFileSync(kubeconfig, stringify(config), { mode: 0o600 });
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(directory, { recursive: true });
});

const kubectl = (...argv: string[]) =>
  promisify(execFile)(process.execPath, [program, ...argv, '--kubeconfig', kubeconfig]);

it('ends by itself when it is done, and when it cannot be done', async () => {
  const { name, namespace } = pool.metadata;
  const { stdout } = await kubectl('pause', name);
  expect(stdout).toBe(`MiningPool ${namespace}/${name} is paused: the operator leaves it as it is\n`);
  const refused = { code: 1, stdout: '', stderr: expect.stringContaining('is not being deleted') };
  await expect(kubectl('release', name)).rejects.toMatchObject(refused);
});
