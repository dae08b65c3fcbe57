import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RpcClient } from '../src/bitcoind/rpc-client.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-rpc-'));
let password = 'p:w/d €';
const node = createServer((request, response) => {
  const expected = `Basic ${Buffer.from(`pool:${password}`).toString('base64')}`;
  if (request.headers.authorization !== expected) response.writeHead(401).end();
  else response.end(JSON.stringify({ result: 7 }));
});

const write = (text: string) => writeFileSync(join(folder, 'password'), `${text}\n`);

beforeAll(async () => {
  await new Promise<void>((resolve) => node.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  node.close();
  rmSync(folder, { recursive: true });
});

it('reads credentials from a folder, and again when the node takes others', async () => {
  writeFileSync(join(folder, 'username'), 'pool');
  write(password);
  const url = `http://127.0.0.1:${(node.address() as AddressInfo).port}`;
  const client = new RpcClient({ url, credentialsFolder: folder });
  const call = () => client.call('getblockcount', [], { timeoutMs: 1_000 });
  expect((await call()).result).toBe(7);
  password = 'another';
  await expect(call()).rejects.toMatchObject({ code: 'rpc-unauthorized' });
  write(password);
  expect((await call()).result).toBe(7);
});
