import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';

/** Tells what the thread says first, or why it ended, where no node listens. */
const program = `
import { Worker } from 'node:worker_threads';
const workerData = { endpoint: { url: 'http://127.0.0.1:1' }, network: 'regtest', reserve: {}, pollMs: 60_000 };
const thread = new Worker(new URL(${JSON.stringify(import.meta.resolve('../src/bitcoind/template-thread.ts'))}), { workerData, execArgv: [] });
const end = (text) => { console.log(text); process.exit(); };
thread.on('message', ({ kind }) => end(kind)).on('error', ({ message }) => end(message));`;

/** Root has the right to raise a priority, which pods have not. */
const withoutRights = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-sys_nice'] : [];

it.skipIf(process.platform !== 'linux')('asks the node also where everything has the lowest priority', () => {
  const node = [process.execPath, '--input-type=module', '--eval', program];
  const told = execFileSync('nice', ['-n', '19', ...withoutRights, ...node], { encoding: 'utf8' });
  expect(told.trim()).toBe('failure');
});
