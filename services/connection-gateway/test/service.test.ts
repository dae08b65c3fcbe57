// The service as a process runs it: real sockets on loopback, the bus in memory.
import { connect } from 'node:net';
import { Writable } from 'node:stream';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import { RangeReply } from '@sluice/bus/payloads/channel';
import { Heartbeat } from '@sluice/bus/payloads/control';
import { subjectName, subjectPattern } from '@sluice/bus/subjects';
import { generateSecret } from '@sluice/noise/ec';
import { systemClock, unixSeconds } from '@sluice/runtime/clock';
import { Health } from '@sluice/runtime/health';
import { createLogger } from '@sluice/runtime/logger';
import { MetricsRegistry } from '@sluice/runtime/metrics';
import { randomBytes } from '@sluice/runtime/random';
import { selfCertified } from '@sluice/server/identity';
import { expect, test } from 'vitest';
import { proxyHeader } from '../../../packages/server/test/support/proxy-header.ts';
import { defaultLimits } from '../src/limits.ts';
import { createConnectionGatewayService } from '../src/service.ts';
import { aead, ec, TestGateway } from './support/test-gateway.ts';
import { TestMiner } from './support/test-miner.ts';

test('takes miners once there is work, also behind a load balancer, shows itself, and moves them away at the end', async () => {
  const bus = await createInProcessBus({ onError: () => undefined });
  // Its channel-manager and jobs; its own gateway is not connected to.
  const pool = await TestGateway.start({ bus });
  const beats: Heartbeat[] = [];
  bus.subscribe(subjectPattern('heartbeat'), (payload) => beats.push(Heartbeat.decode(payload)));
  const metrics = new MetricsRegistry();
  const health = new Health();
  const logged: string[] = [];
  const destination = new Writable({
    decodeStrings: false,
    write: (line: string, _encoding, done) => {
      logged.push(line);
      done();
    },
  });
  const log = createLogger({ name: 'gateway', level: 'debug', format: 'json', destination });
  const modules = { clock: systemClock, log, ec, random: randomBytes };
  const authoritySecret = generateSecret(randomBytes);
  const service = createConnectionGatewayService(
    {
      listen: [{ host: '127.0.0.1', port: 0 }],
      label: 'test',
      solutionEndpoints: [],
      limits: { ...defaultLimits, proxyProtocolFrom: [{ address: '127.0.0.1', family: 'ipv4', prefix: 32 }] },
      drainMs: 200,
      reconnectVendors: [],
    },
    {
      ...{ ...modules, bus, metrics, health, aead, sha256d: wasmSha256d },
      identity: selfCertified(authoritySecret, 3_600, modules),
    },
  );
  const starting = service.start();
  expect(health.readiness().ready).toBe(false);
  bus.serve(subjectName('extranonceRange'), 'channel-manager', () =>
    RangeReply.encode({ kind: 'granted', incarnation: 9n }),
  );
  await starting;
  expect(health.readiness().ready).toBe(true);

  const socket = connect(service.addresses[0]?.port ?? 0, '127.0.0.1');
  socket.write(proxyHeader('203.0.113.7'));
  const authorityKey = ec.xOnlyPublicKey(authoritySecret);
  const now = unixSeconds(systemClock);
  const miner = new TestMiner(socket, { ec, aead, random: randomBytes, now, authorityKey });
  await miner.handshake();
  await miner.setup();
  const { extranoncePrefix } = await miner.openExtended();
  expect(extranoncePrefix).toEqual(Uint8Array.of(0, 0, 0, 9, 0, 0, 0));
  await miner.skip(2);
  expect(await metrics.scrape()).toMatch(/^sluice_gateway_channels 1$/m);
  const accepted = logged.find((line) => line.includes('connection accepted'));
  expect(accepted).toContain('"remote":"203.0.113.7"');
  expect(beats[0]).toMatchObject({ service: 'connection-gateway', instance: 'test', incarnation: 9n, ready: true });

  await service.stop();
  await miner.untilClosed();
  await expect(
    new Promise((resolve, reject) => {
      connect(service.addresses[0]?.port ?? 0, '127.0.0.1')
        .once('connect', resolve)
        .once('error', reject);
    }),
  ).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await pool.stop();
});
