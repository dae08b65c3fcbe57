// The proxy's TLS port as a process, with miners that check its certificate.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { LocalPool } from '../support/local-pool.ts';
import { ProxyProcess } from '../support/proxy-process.ts';
import { Sv1Miner } from '../support/sv1-miner.ts';
import { makeTlsPair, type PemPair } from '../support/tls-certificate.ts';
import { waitFor } from '../support/wait-for.ts';

/** A block takes 2^32 hashes: none is found here. */
const HARD_NBITS = 0x1d00_ffff;
const HASHRATE = 8_000;
const HOUR_MS = 3_600_000;

describe('the TLS port', () => {
  let directory: string;
  let pool: LocalPool;
  let tlsPort: number;
  let pair: PemPair;
  let proxy: ProxyProcess;

  const write = (next: PemPair) => {
    for (const [file, text] of [
      ['tls.crt', next.certificate],
      ['tls.key', next.key],
    ] as const) {
      writeFileSync(join(directory, `${file}.new`), text, { mode: 0o600 });
      renameSync(join(directory, `${file}.new`), join(directory, file));
    }
    pair = next;
  };
  const start = async () => {
    tlsPort = await freePort();
    const files = ['--tls-certificate-file', join(directory, 'tls.crt'), '--tls-key-file', join(directory, 'tls.key')];
    return ProxyProcess.start({
      ...{ upstreams: [pool], identity: 'farm' },
      flags: ['--listen-tls', `127.0.0.1:${tlsPort}`, ...files, '--shares-per-minute', '60', '--log-level', 'debug'],
    });
  };
  const connect = (user: string, trusts: string | undefined, port = tlsPort) => {
    const miner = new Sv1Miner({ port, user, hashrate: HASHRATE, ...(trusts === undefined ? {} : { trusts }) });
    proxy.miners.push(miner);
    return miner;
  };
  const expiry = () => proxy.metric('sv1_tls_certificate_expiry_timestamp_seconds');
  /** All of them have shares accepted from now on. */
  const work = (miners: readonly Sv1Miner[]) => {
    const before = miners.map(({ accepted }) => accepted);
    return waitFor(() => miners.every(({ accepted }, index) => accepted > (before[index] ?? 0) + 3));
  };

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'sluice-proxy-tls-'));
    pool = await LocalPool.start({ nbits: HARD_NBITS });
    write(makeTlsPair());
    proxy = await start();
  });
  afterAll(async () => {
    await proxy?.stop();
    await pool?.stop();
    rmSync(directory, { recursive: true });
  });

  test('miners on both ports mine for one pool, and the books balance', async () => {
    const byTls = [0, 1, 2].map((index) => connect(`farm.tls-${index}`, pair.certificate));
    const miners = [...byTls, connect('farm.plain', undefined, proxy.port)];
    await Promise.all(miners.map(({ ready }) => ready));
    await work(miners);
    await proxy.pause();
    expect(miners.flatMap(({ rejections }) => rejections)).toEqual([]);
    const accepted = miners.reduce((sum, miner) => sum + miner.accepted, 0);
    expect(await proxy.metric('shares_good_total')).toBe(accepted);
    expect(await proxy.metric('sv1_connections')).toBe(4);
    expect(await proxy.metric('sv1_tls_handshakes_total')).toBe(3);
    for (const miner of miners) miner.hashrate = HASHRATE;
  });

  test('a miner on the wrong port is told apart', async () => {
    await expect(connect('farm.rig', undefined).ready).rejects.toThrow('ended before');
    await expect(connect('farm.rig', pair.certificate, proxy.port).ready).rejects.toThrow('ended before');
    for (const reason of ['spoke-plain', 'spoke-tls']) {
      expect(await proxy.metric(`sv1_connections_closed_total{reason="${reason}"}`)).toBe(1);
      expect(proxy.process.log(1_000)).toContain(`"reason":"${reason}"`);
    }
  });

  test('a new certificate is used without touching who is there, a broken one not at all', async () => {
    const before = connect('farm.before', pair.certificate);
    await before.ready;
    const last = pair.certificate;
    const first = await expiry();
    write(makeTlsPair({ notAfter: new Date(Date.now() + 48 * HOUR_MS) }));
    await waitFor(async () => (await expiry()) > first + 3_600);
    const after = connect('farm.after', pair.certificate);
    await after.ready;
    await expect(connect('farm.behind', last).ready).rejects.toThrow('ended before');
    writeFileSync(join(directory, 'tls.crt'), 'broken');
    await waitFor(async () => (await proxy.metric('sv1_tls_certificate_faults_total')) === 1);
    const third = connect('farm.third', pair.certificate);
    await third.ready;
    await work([before, after, third]);
    expect([before, after, third].map(({ isOpen }) => isOpen)).toEqual([true, true, true]);
    const warnings = proxy.process
      .log(5_000)
      .split('\n')
      .filter((line) => line.includes('could not be read again'));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('holds no certificate in PEM');
  });

  test('an expired certificate is told at the start, and the miners that do not check it work; the end is orderly', async () => {
    expect(await proxy.process.kill('SIGTERM')).toBe(0);
    await waitFor(() => proxy.miners.every(({ isOpen }) => !isOpen));
    await proxy.stop();
    write(makeTlsPair({ notAfter: new Date(Date.now() - 60_000) }));
    proxy = await start();
    expect(proxy.process.log(1_000)).toContain('the TLS certificate has expired');
    await expect(connect('farm.strict', pair.certificate).ready).rejects.toThrow('ended before');
    expect(await expiry()).toBeLessThan(Date.now() / 1_000);
    const lax = connect('farm.lax', 'any');
    await lax.ready;
    await work([lax]);
  });
});
