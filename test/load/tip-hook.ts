// What makes a new block, by the user's word: a shell command, or a bitcoind that generates one.
import { spawn } from 'node:child_process';
import { RpcClient } from '@sluice/template-provider/bitcoind/rpc-client';
import { nodeOf } from '@sluice/template-provider/config';
import { clockOffset } from '../latency/announcements.ts';
import type { LoadConfig } from './config.ts';

/** OP_TRUE: no wallet is needed. */
const DESCRIPTOR = 'raw(51)';
const RPC_TIMEOUT_MS = 30_000;
const MAX_OUTPUT = 65_536;

export interface NewBlock {
  /** Hexadecimal, wire order; absent: unknown. */
  readonly hash?: string;
  /** On the clock that all processes share, in milliseconds; absent: unknown. */
  readonly announcedAt?: number;
}

export type TipHook = () => Promise<NewBlock>;

export function tipHookOf({ tipCommand, tipRpc }: LoadConfig): TipHook | undefined {
  if (tipCommand !== undefined) return () => runCommand(tipCommand);
  return tipRpc === undefined ? undefined : generating(tipRpc);
}

/** Blocks without transactions: those that wait stay, and so do the sizes of templates. */
function generating(url: URL): TipHook {
  const client = new RpcClient(nodeOf(url).endpoint);
  return async () => {
    const answer = await client.call('generateblock', [DESCRIPTOR, []], { timeoutMs: RPC_TIMEOUT_MS });
    const { hash } = answer.result as { readonly hash: string };
    return { hash: Buffer.from(hash, 'hex').reverse().toString('hex') };
  };
}

function runCommand(command: string): Promise<NewBlock> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output = (output + chunk).slice(-MAX_OUTPUT);
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code !== 0) return reject(new Error(`--tip-command: exit code ${code}`));
      const last = output.trim().split('\n').at(-1) ?? '';
      resolve(/^\d+(\.\d+)?$/.test(last) ? { announcedAt: monotonicOf(Number(last)) } : {});
    });
  });
}

/** Of a Unix time in milliseconds. */
export function monotonicOf(unixMs: number): number {
  return unixMs - Number(clockOffset()) / 1e6;
}
