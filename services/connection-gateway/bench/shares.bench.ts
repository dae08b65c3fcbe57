// Shares over real sockets: CPU of the gateway's process for each. Every answer is counted before a figure is shown.
import assert from 'node:assert/strict';
import type { ChannelKind } from '@sluice/mining/channel';
import { startLoad } from './load.ts';

const SHARES_MS = 4_000;

async function shares(connections: number, inFlight: number, kind: ChannelKind, ms = SHARES_MS): Promise<void> {
  const { gateway, ask, end } = await startLoad(connections, inFlight, kind);
  const before = process.cpuUsage();
  const started = performance.now();
  const [, acknowledged, , refused] = (await ask(`shares ${ms}`)).split(' ').map(Number) as number[];
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(before);
  assert.equal(refused, 0);
  assert.equal(acknowledged, gateway.counters.sharesStored);
  assert.ok((acknowledged ?? 0) > 0);
  const each = (user + system) / (acknowledged ?? 1);
  console.log(
    `${kind}, ${connections} connections, ${inFlight} in flight: ${acknowledged} shares in ${seconds.toFixed(1)} s, ` +
      `${each.toFixed(2)} µs CPU a share (${((user + system) / 1e4 / seconds).toFixed(0)} % of a core)`,
  );
  await end();
}

for (const kind of ['standard', 'extended'] as const) {
  if (process.argv.includes('--check')) await shares(20, 20, kind, 200);
  else {
    await shares(1, 1_000, kind);
    await shares(100, 20, kind);
    await shares(1_000, 20, kind);
    await shares(1_000, 1, kind);
  }
}
