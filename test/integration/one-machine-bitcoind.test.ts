// The one-machine pool next to a real bitcoind: a miner on this CPU finds blocks, the node accepts them, and they pay the address.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bitcoind } from '../support/bitcoind.ts';
import { freePort } from '../support/free-port.ts';
import { waitFor } from '../support/wait-for.ts';

const program = join(import.meta.dirname, '../../cli/src/main.ts');
const data = mkdtempSync(join(tmpdir(), 'sluice-one-machine-'));
/** Regtest's easiest target makes every share a block. */
const PAYOUT = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const BLOCKS = 3;

let node: Bitcoind;
let pool: ChildProcess | undefined;

beforeAll(async () => {
  node = await Bitcoind.start();
});
afterAll(async () => {
  pool?.kill('SIGKILL');
  await node?.stop();
  rmSync(data, { recursive: true, force: true });
});

describe('npm start next to bitcoind', () => {
  it('finds blocks that the node accepts and that pay the address', async () => {
    // A node without a recent block is in its initial download and gives no work.
    await node.generate(1);
    const health = await freePort();
    const argv = [
      ...['--bitcoind', `http://127.0.0.1:${node.rpcPort}`, '--cookie', node.cookieFile, '--zmq', node.zmqRawBlock],
      ...['--network', 'regtest', '--payout', PAYOUT, '--demo-miners', '1', '--data', data],
      ...['--listen', `127.0.0.1:${await freePort()}`, '--health', `127.0.0.1:${health}`],
    ];
    const child = spawn(process.execPath, [program, 'start', ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
    pool = child;
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    const ended = new Promise((resolve) => child.on('exit', resolve));
    await waitFor(async () => (await node.rpc('getblockcount')) >= 1 + BLOCKS, 120_000).catch((error: unknown) => {
      throw new Error(`${error}\n${output}`);
    });
    const script = (await node.rpc('validateaddress', [PAYOUT])).scriptPubKey;
    for (let height = 2; height < 2 + BLOCKS; height++) {
      const block = await node.rpc('getblock', [await node.rpc('getblockhash', [height]), 2]);
      const paid = block.tx[0].vout.filter((out: { value: number }) => out.value > 0);
      expect(paid.map((out: { scriptPubKey: { hex: string } }) => out.scriptPubKey.hex)).toEqual([script]);
      expect(Buffer.from(block.tx[0].vin[0].coinbase, 'hex').includes('/Sluice/')).toBe(true);
    }
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(output).toContain('Mining on regtest');
  });
});
