// A gateway as a process whose certificate is renewed under it in the way of a kubelet, as the operator writes it: who is connected notices nothing of it, and who comes
// is shown the new one.
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeAuthorityPublicKey } from '@sluice/noise/authority-key';
import { NoiseInitiator } from '@sluice/noise/initiator';
import { nobleEc as ec } from '@sluice/noise/noble-ec';
import { ACT_2_LENGTH } from '@sluice/noise/responder';
import { wasmAead } from '@sluice/noise/wasm-aead';
import { randomBytes } from '@sluice/runtime/random';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { generateAuthorityKey } from '../../operator/src/keys/authority-secret.ts';
import { issueCertificate } from '../../operator/src/keys/certificate.ts';
import type { TestMiner } from '../../services/connection-gateway/test/support/test-miner.ts';
import { MountedSecret } from '../support/kubernetes/mounted-secret.ts';
import { connectMiner, nextOf } from '../support/message-miner.ts';
import { PoolProcesses } from '../support/pool-processes.ts';
import { waitFor } from '../support/wait-for.ts';

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;
const now = () => Math.floor(Date.now() / 1_000);

const folder = mkdtempSync(join(tmpdir(), 'sluice-noise-'));
const secret = new MountedSecret(folder);
const authority = generateAuthorityKey(ec, randomBytes);
const miners: TestMiner[] = [];
let pool: PoolProcesses;

const issued = (validitySeconds: number, by = authority) =>
  ({ ...issueCertificate({ ec, authority: by, validitySeconds, now: now(), random: randomBytes }) }) as const;
const metric = async (name: string) => (await pool.service('connection-gateway-0').metric(name)) ?? Number.NaN;
const EXPIRY = 'sluice_gateway_certificate_expiry_timestamp_seconds';
const FAULTS = 'sluice_gateway_certificate_faults_total';

/** What a miner finds of the certificate by whose clock it is that many seconds later. */
async function handshake(laterSeconds: number): Promise<string> {
  const options = { ec, aead: wasmAead(), random: randomBytes, maxPayload: () => 0 };
  const authorityKey = decodeAuthorityPublicKey(authority.publicKey);
  if (authorityKey === undefined) throw new Error('no authority key');
  const initiator = new NoiseInitiator({ ...options, authorityKey, now: now() + laterSeconds });
  const socket = connect(pool.gatewayPort(), '127.0.0.1');
  socket.write(initiator.act1());
  let received = Buffer.alloc(0);
  for await (const chunk of socket) {
    received = Buffer.concat([received, chunk as Buffer]);
    if (received.length >= ACT_2_LENGTH) break;
  }
  const result = initiator.readAct2(Uint8Array.from(received.subarray(0, ACT_2_LENGTH)));
  return result.ok ? 'ok' : result.code;
}

async function connectedMiner(): Promise<TestMiner> {
  const miner = await connectMiner(pool.gatewayPort(), authority.publicKey);
  miners.push(miner);
  await miner.setup();
  await miner.openExtended();
  return miner;
}

beforeAll(async () => {
  secret.mount(issued(HOUR_S));
  pool = await PoolProcesses.start({
    chain: { simulated: { nbits: '1d00ffff', blockSeconds: 1 } },
    ...{ sharesPerMinute: 6, easiestDifficulty: 1 },
    identityFlags: ['--certificate-directory', folder, '--authority-key', authority.publicKey],
  });
});
afterAll(async () => {
  for (const miner of miners) miner.socket.destroy();
  await pool?.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('shows new handshakes the renewed certificate, and leaves who is connected alone', async () => {
  const before = await connectedMiner();
  expect([await handshake(0), await handshake(DAY_S)]).toEqual(['ok', 'certificate-expired']);
  const expiry = await metric(EXPIRY);

  secret.mount(issued(30 * DAY_S));
  await waitFor(async () => (await metric(EXPIRY)) > expiry);
  expect(await handshake(DAY_S)).toBe('ok');
  const after = await connectedMiner();
  for (const miner of [before, after]) {
    miner.received.length = 0;
    await nextOf(miner, NewExtendedMiningJob, () => true);
    expect(miner.closed).toBe(false);
  }
});

it('keeps the last one when the new one cannot be used, and tells of it once', async () => {
  const expiry = await metric(EXPIRY);
  secret.mount({ ...issued(60 * DAY_S), certificate: 'enp6' });
  await waitFor(async () => (await metric(FAULTS)) === 1);
  secret.mount(issued(60 * DAY_S, generateAuthorityKey(ec, randomBytes)));
  await waitFor(async () => (await metric(FAULTS)) === 2, 30_000);
  expect([await handshake(DAY_S), await metric(EXPIRY)]).toEqual(['ok', expiry]);
  const told = pool
    .service('connection-gateway-0')
    .log(1_000)
    .match(/the certificate could not be read again/g);
  expect(told).toHaveLength(2);
});
