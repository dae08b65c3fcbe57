import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';

const program = join(import.meta.dirname, '../src/main.ts');

let data: string;
let child: ChildProcess;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'sluice-outlives-'));
  const argv = ['start', '--data', data, '--listen', '127.0.0.1:0', '--health', '127.0.0.1:0', '--demo-miners', '0'];
  child = spawn(process.execPath, [program, ...argv], { stdio: ['ignore', 'pipe', 'ignore'] });
});
afterEach(() => {
  child.kill('SIGKILL');
  rmSync(data, { recursive: true });
});

it('a pool goes on when whoever reads its output has left, and ends in order on a signal sent twice', async () => {
  const output = await new Promise<string>((resolve) => {
    let text = '';
    child.stdout?.on('data', (chunk) => {
      text += chunk;
      if (/Point a miner at/.test(text)) resolve(text);
    });
  });
  child.stdout?.destroy();
  // Longer than it takes to the next line.
  await sleep(6_000);
  const port = Number(/127\.0\.0\.1:(\d+)\//.exec(output)?.[1]);
  await new Promise<void>((resolve, reject) => {
    const socket = createConnection(port, '127.0.0.1', () => resolve(socket.destroy() && undefined));
    socket.on('error', reject);
  });
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  child.kill('SIGTERM');
  expect(await exit).toBe(0);
});
