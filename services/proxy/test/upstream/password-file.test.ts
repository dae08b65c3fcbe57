// The password of a pool of Stratum V1 that stands in a file.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { duplexPair } from 'node:stream';
import { systemClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { expect, it, onTestFinished, vi } from 'vitest';
import { modules } from '../../../../packages/client/test/support/fake-server.ts';
import { createCounters } from '../../src/counters.ts';
import { Upstreams } from '../../src/upstream/upstreams.ts';

/** A pool that goes away when somebody has logged in. */
function leavingPool(onAuthorize: (parameters: readonly string[]) => void) {
  const [ours, theirs] = duplexPair();
  const results = { 'mining.configure': {}, 'mining.subscribe': [[], 'e1e2e3e4', 8], 'mining.authorize': true };
  createInterface({ input: theirs }).on('line', (line) => {
    const { id, method, params } = JSON.parse(line) as { id: number; method: keyof typeof results; params: string[] };
    if (theirs.writableEnded) return;
    theirs.write(`${JSON.stringify({ id, result: results[method], error: null })}\n`);
    if (method !== 'mining.authorize') return;
    onAuthorize(params);
    theirs.end();
  });
  return ours;
}

it('is read at each connection, so that another one counts without a restart', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-password-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const passwordFile = join(folder, 'password');
  const write = (text: string) => writeFileSync(passwordFile, text, { mode: 0o600 });
  write('first\n');
  const authorized: (readonly string[])[] = [];
  const url = { host: 'pool.example', port: 3333, sv1Password: 'x', passwordFile };
  const options = { identity: 'farm', workerIdentity: '{worker}', minExtranonceSize: 6, versionMask: 0x1fff_e000 };
  const upstreams = new Upstreams([{ url, ...options }], 60_000, {
    ...{ ...modules, clock: systemClock, log: silentLogger(), counters: createCounters() },
    ...{ hashrate: () => 1e12, onWork: () => undefined, onUse: () => undefined },
    connect: async () =>
      leavingPool((parameters) => {
        authorized.push(parameters);
        write('second\n');
      }),
    secure: async (stream) => stream,
  });
  onTestFinished(() => upstreams.stop(0));
  upstreams.start();
  await vi.waitFor(() => expect(authorized.length).toBeGreaterThanOrEqual(2), { timeout: 15_000, interval: 20 });
  expect(authorized.slice(0, 2)).toEqual([
    ['farm', 'first'],
    ['farm', 'second'],
  ]);
});
