// A real bitcoind with the configuration that the operator makes for one, asked as a template provider asks it.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bitcoindNodes, nodeCredentials } from '../../operator/src/desired/bitcoind-nodes.ts';
import { examplePool } from '../../operator/test/defaulted.ts';
import { RpcClient } from '../../services/template-provider/src/bitcoind/rpc-client.ts';
import { bitcoindCommand } from '../support/bitcoind-binary.ts';
import { freePort } from '../support/free-port.ts';
import { waitFor } from '../support/wait-for.ts';

const directory = mkdtempSync(join(tmpdir(), 'sluice-operator-bitcoind-'));
const pool = examplePool('regtest');
let node: ChildProcess;
let rpcPort: number;

beforeAll(async () => {
  const [manifests] = bitcoindNodes(pool, { repository: 'bitcoin', tag: '29', digest: '' }, new Map());
  const { data } = nodeCredentials(pool, { name: 'a' }, { username: 'pool', password: 'pässword', salt: '0a1b' });
  for (const [key, base64] of Object.entries(data as Record<string, string>))
    writeFileSync(join(directory, key), Buffer.from(base64, 'base64'));
  rpcPort = await freePort();
  const ports = [await freePort(), await freePort()];
  if (manifests === undefined) throw new Error('the example runs no node');
  const config = (manifests.configMap.data as { 'bitcoin.conf': string })['bitcoin.conf']
    .replace('/etc/bitcoin/secret', directory)
    .replace('rpcbind=0.0.0.0', 'rpcbind=127.0.0.1')
    .replace('rpcport=8332', `rpcport=${rpcPort}`)
    .replace('bind=0.0.0.0:8333', `bind=127.0.0.1:${ports[0]}`)
    .replace('tcp://0.0.0.0:28332', `tcp://127.0.0.1:${ports[1]}`);
  const file = join(directory, 'bitcoin.conf');
  writeFileSync(file, config);
  mkdirSync(join(directory, 'data'));
  const { program, leadingArguments } = await bitcoindCommand();
  node = spawn(program, [...leadingArguments, `-conf=${file}`, `-datadir=${join(directory, 'data')}`], {
    stdio: 'ignore',
  });
});
afterAll(async () => {
  const ended = new Promise((resolve) => node.once('exit', resolve));
  if (node.exitCode === null && node.kill('SIGKILL')) await ended;
  rmSync(directory, { recursive: true, force: true });
});

it('lets the pool in, and nobody else, gives templates and announces blocks', async () => {
  const url = `http://127.0.0.1:${rpcPort}`;
  const call = (client: RpcClient, method: string, ...parameters: readonly unknown[]) =>
    client.call(method, parameters, { timeoutMs: 5_000 });
  const client = new RpcClient({ url, credentialsFolder: directory });
  const isUp = () =>
    call(client, 'getblockchaininfo').then(
      () => true,
      () => node.exitCode !== null,
    );
  await waitFor(isUp, 30_000);
  expect((await call(client, 'getblockchaininfo')).result).toMatchObject({ chain: 'regtest', blocks: 0 });
  expect((await call(client, 'getblocktemplate', { rules: ['segwit'] })).result).toMatchObject({ height: 1 });
  expect((await call(client, 'getzmqnotifications')).result).toMatchObject([{ type: 'pubrawblock' }]);
  await expect(call(new RpcClient({ url: url.replace('//', '//pool:wrong@') }), 'getblockcount')).rejects.toMatchObject(
    {
      code: 'rpc-unauthorized',
    },
  );
});
