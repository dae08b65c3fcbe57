// The one-machine pool next to a real bitcoind: a miner on this CPU finds blocks, the node accepts them, and they pay the address.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bitcoind } from '../support/bitcoind.ts';
import { freePort } from '../support/free-port.ts';
import { OneMachine } from '../support/one-machine.ts';
import { Sv2Client } from '../support/sv2-client.ts';
import { waitFor } from '../support/wait-for.ts';

const program = join(import.meta.dirname, '../../cli/src/main.ts');
const data = mkdtempSync(join(tmpdir(), 'sluice-one-machine-'));
/** Regtest's easiest target makes every share a block. */
const PAYOUT = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const MINER = 'mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r';
const BLOCKS = 3;

/** Of a transaction, as the node tells it. */
interface Output {
  readonly value: number;
  readonly scriptPubKey: { readonly address?: string };
}

let node: Bitcoind;
let pool: ChildProcess | undefined;
let machine: OneMachine | undefined;

beforeAll(async () => {
  node = await Bitcoind.start();
});
afterAll(async () => {
  pool?.kill('SIGKILL');
  machine?.kill();
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

  it('pays each block to the address that its miner names, with --payout-by-identity', async () => {
    const flags = [
      ...['--bitcoind', `http://127.0.0.1:${node.rpcPort}`, '--cookie', node.cookieFile, '--zmq', node.zmqRawBlock],
      ...['--network', 'regtest', '--payout', PAYOUT, '--payout-by-identity'],
    ];
    const command = [process.execPath, program, 'start'] as const;
    machine = await OneMachine.start({ command, data, listenPort: await freePort(), flags });
    const isReady = async () => (await machine?.get('/readyz'))?.status === 200 && machine?.url !== undefined;
    await machine.until('ready', 60_000, isReady);
    const outputsOf = async (hash: string): Promise<readonly Output[]> => {
      const block = await node.rpc('getblock', [hash, 2]);
      return block.tx[0].vout.filter(({ value }: Output) => value > 0);
    };
    const { port, authorityKey } = machine.url as { readonly port: number; readonly authorityKey: string };
    const client = await Sv2Client.connect({ port, authorityKey });
    try {
      for (const [identity, kept] of [
        [`${MINER}.rig`, 0],
        [`sri/donate/5/${MINER}/rig`, 0.05],
        ['alice.rig', 1],
      ] as const) {
        for (const kind of ['standard', 'extended']) {
          const open = { identity, hashRate: 1_000 };
          const channel = await (kind === 'standard' ? client.openStandard(open) : client.openExtended(open));
          await waitFor(() => channel.job !== undefined);
          const block = channel.find('block');
          if (block === undefined) throw new Error('no block found');
          client.submit(channel, block);
          const hash = Buffer.from(block.hash).reverse().toString('hex');
          await waitFor(async () => (await node.rpc('getbestblockhash')) === hash);
          const outputs = await outputsOf(hash);
          const value = outputs.reduce((sum, output) => sum + output.value, 0);
          const paid = outputs.map((output) => [output.scriptPubKey.address, (output.value / value).toFixed(6)]);
          const shares = [
            [PAYOUT, kept.toFixed(6)],
            [MINER, (1 - kept).toFixed(6)],
          ];
          expect([kind, identity, paid]).toEqual([kind, identity, shares.filter(([, part]) => part !== '0.000000')]);
          await waitFor(() => channel.tips > 1);
        }
      }
    } finally {
      await client.close();
    }
    expect(machine.output).toContain('or to the address that their miner names');
    expect(await machine.stop()).toBe(0);
  });
});
