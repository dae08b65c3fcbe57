// SRI's mining_device on `npm start`, and what the pool tells of it over HTTP. Tests that repeat a scenario of SRI's own integration
// suite have its name; where SRI has a JSON API, Sluice has metrics, and none of them is of a single client.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { inCi } from '../support/in-ci.ts';
import { OneMachine } from '../support/one-machine.ts';
import { PeerProcess } from '../support/peer-process.ts';
import { buildSriProgram, whyNoSriProgram } from '../support/sri-programs.ts';
import { waitFor } from '../support/wait-for.ts';

const program = join(import.meta.dirname, '../../cli/src/main.ts');
const MAX_BUILD_MS = 3_600_000;
/** Some blocks' time of the demo's chain. */
const BLOCK_MS = 60_000;

const missing = whyNoSriProgram('mining_device');
if (missing !== undefined) {
  if (inCi) throw new Error(missing);
  console.log(`skipped: ${missing}`);
}

describe.skipIf(missing !== undefined)("what the pool tells of SRI's mining_device", () => {
  const data = mkdtempSync(join(tmpdir(), 'sluice-watched-'));
  let deviceProgram: string;
  let pool: OneMachine;
  let device: PeerProcess | undefined;

  beforeAll(async () => {
    deviceProgram = await buildSriProgram('mining_device');
    const flags = ['--demo-miners', '0'];
    const command = [process.execPath, program, 'start'] as const;
    pool = await OneMachine.start({ command, data, listenPort: await freePort(), flags });
    await waitFor(async () => (await pool.get('/readyz')).status === 200);
    await waitFor(() => pool.url !== undefined);
  }, MAX_BUILD_MS);

  afterAll(async () => {
    await device?.stop();
    pool?.kill();
    rmSync(data, { recursive: true, force: true });
  });

  /** Without the metrics whose names only begin alike. */
  const metric = (name: string, labels = '') => pool.metric(`${name}${labels === '' ? ' ' : '{'}`, labels);
  const clients = async () => ({
    connections: await metric('sluice_gateway_connections'),
    channels: await metric('sluice_gateway_channels'),
    opened: await metric('sluice_gateway_channels_opened_total'),
  });

  test('pool_api_endpoints_static', async () => {
    expect(await pool.get('/livez')).toEqual({ status: 200, body: 'ok\n' });
    expect((await pool.get('/readyz')).body).toMatch(/^ready\n(ok {3}\S.*\n)+$/);
    for (const path of ['/', '/api/v1/server', '/api/v1/clients'])
      expect(await pool.get(path)).toEqual({ status: 404, body: 'one of /livez /readyz /metrics\n' });
    expect(await clients()).toEqual({ connections: 0, channels: 0, opened: 0 });
    expect(await metric('sluice_gateway_shares_accepted_total')).toBe(0);
  });

  test('pool_monitoring_with_sv2_mining_device', async () => {
    const { port, authorityKey } = pool.url as NonNullable<typeof pool.url>;
    // Fast enough for a block in seconds, and for others to have a core.
    const pace = ['--cores', '1', '--handicap', '500', '--nonces-per-call', '5000'];
    const who = ['--address-pool', `127.0.0.1:${port}`, '--pubkey-pool', authorityKey, '--id-user', 'watched.device'];
    device = new PeerProcess(deviceProgram, [...who, ...pace, '--nominal-hashrate-multiplier', '0.02']);
    await waitFor(async () => (await metric('sluice_gateway_shares_accepted_total')) >= 1);
    expect(await clients()).toEqual({ connections: 1, channels: 1, opened: 1 });
    expect(await metric('sluice_gateway_handshakes_total')).toBe(1);
  });

  test('block_found_detected_in_pool_metrics', async () => {
    await waitFor(async () => (await metric('sluice_gateway_solutions_total')) >= 1, BLOCK_MS);
    await waitFor(async () => (await metric('sluice_template_provider_blocks_total', 'outcome="accepted"')) >= 1);
    expect(await metric('sluice_template_provider_tip_height_blocks')).toBeGreaterThanOrEqual(1);
    await waitFor(() => /found by watched\.device, \S+ BTC: accepted/.test(pool.output));
    expect(await clients()).toEqual({ connections: 1, channels: 1, opened: 1 });
  });

  test('pool_api_endpoints_with_miner: gateway, stream and validator tell of the same shares, and none of them of a client', async () => {
    await device?.stop();
    await waitFor(async () => (await clients()).connections === 0);
    expect(await clients()).toEqual({ connections: 0, channels: 0, opened: 1 });
    const accepted = await metric('sluice_gateway_shares_accepted_total');
    expect(accepted).toBeGreaterThanOrEqual(1);
    await waitFor(async () => (await metric('sluice_gateway_shares_stored_total')) === accepted);
    await waitFor(async () => (await metric('sluice_share_validator_shares_total', 'outcome="credited"')) === accepted);
    const closed = (reason: string) => metric('sluice_gateway_connections_closed_total', `reason="${reason}"`);
    // Its end is a reset where it had not read everything.
    expect((await closed('peer-closed')) + (await closed('socket-error'))).toBe(1);
    expect((await pool.get('/metrics')).body).not.toContain('watched.device');
  });
});
