// What is left of keys when they are over: those of a connection, whichever way it ended, and the static one that files replace.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import type { AeadBackend } from '@sluice/noise/aead';
import { encodeCertificate, signCertificate } from '@sluice/noise/certificate';
import { generateKeyPair, generateSecret } from '@sluice/noise/ec';
import { NoiseResponder } from '@sluice/noise/responder';
import { ManualClock, unixSeconds } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { randomBytes } from '@sluice/runtime/random';
import { CertificateFiles } from '@sluice/server/certificate-files';
import { addressTurns, handshakeTurns } from '@sluice/server/read-turns';
import { OutboundTick } from '@sluice/server/socket-writer';
import { SetupConnectionError } from '@sluice/sv2/messages/common/setup-connection-error';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { expect, test } from 'vitest';
import { Connection } from '../src/connection.ts';
import { createCounters } from '../src/counters.ts';
import { defaultLimits } from '../src/limits.ts';
import { aead, ec } from './support/test-gateway.ts';
import { TestMiner } from './support/test-miner.ts';

const ZEROES = new Uint8Array(32);

/** A connection behind its handshake, and the keys that its transport has used. */
async function connected(onFrame: (connection: Connection) => void) {
  const keys = { sealed: new Set<Uint8Array>(), opened: new Set<Uint8Array>() };
  const watched: AeadBackend = {
    name: aead.name,
    seal: (key, ...rest) => aead.seal(keys.sealed.add(key) && key, ...rest),
    open: (key, ...rest) => aead.open(keys.opened.add(key) && key, ...rest),
    forget: () => aead.forget(),
  };
  const clock = new ManualClock();
  const now = unixSeconds(clock);
  const [staticKey, authoritySecret] = [generateKeyPair(ec, randomBytes), generateSecret(randomBytes)];
  const certificate = signCertificate({
    ...{ ec, authoritySecret, staticPublicKey: ec.xOnlyPublicKey(staticKey.secret) },
    ...{ validFrom: now, notValidAfter: now + 60, random: randomBytes(32) },
  });
  const options = { ec, aead: watched, staticKey, certificate, random: randomBytes, maxPayload: () => 1_000 };
  const counters = createCounters();
  let frames = 0;
  const [near, far] = duplexPair();
  const connection = new Connection(1, near, '192.0.2.1', {
    ...{ clock, counters, log: silentLogger(), limits: { ...defaultLimits, lingerMs: 20 }, tick: new OutboundTick() },
    turns: addressTurns(1e9),
    handshakes: handshakeTurns(clock.monotonic()),
    newResponder: () => new NoiseResponder(options),
    route: (routed) => {
      frames += 1;
      onFrame(routed);
    },
    onClosed: () => undefined,
  });
  const authorityKey = ec.xOnlyPublicKey(authoritySecret);
  const miner = new TestMiner(far, { ec, aead, random: randomBytes, now, authorityKey });
  await miner.handshake();
  expect([keys.sealed.size, keys.opened.size]).toEqual([2, 0]);
  return { miner, connection, counters, keys, frames: () => frames };
}

const two = (miner: TestMiner) => {
  for (let count = 0; count < 2; count++) miner.send(CloseChannel, { channelId: 1, reasonCode: '' });
};

test('a connection that is cut keeps no transport key', async () => {
  const { miner, connection, counters, keys, frames } = await connected((routed) => {
    routed.send(SetupConnectionError, { flags: 0, errorCode: 'unsupported-protocol' });
    routed.cut('malformed-message');
  });
  two(miner);
  await miner.untilClosed();
  expect([connection.state, frames()]).toEqual(['closed', 1]);
  expect([keys.sealed.size, keys.opened.size]).toEqual([3, 1]);
  for (const key of [...keys.sealed, ...keys.opened]) expect(key).toEqual(ZEROES);
  expect(counters.closed).toMatchObject({ 'malformed-message': 1, 'decryption-failed': 0 });
});

test('a connection that ends with an answer sends it, and keeps no transport key while it lingers', async () => {
  const states: string[] = [];
  const lingering: Uint8Array[] = [];
  const { miner, connection, counters, keys, frames } = await connected((routed) => {
    routed.send(SetupConnectionError, { flags: 0, errorCode: 'unsupported-protocol' });
    routed.end('setup-refused');
    lingering.push(...[...keys.sealed, ...keys.opened].map((key) => key.slice()));
    states.push(routed.state);
  });
  two(miner);
  expect(await miner.expect(SetupConnectionError)).toMatchObject({ errorCode: 'unsupported-protocol' });
  await miner.untilClosed();
  expect([keys.sealed.size, keys.opened.size, frames()]).toEqual([3, 1, 1]);
  expect(states).toEqual(['closing']);
  expect(lingering).toEqual([ZEROES, ZEROES, ZEROES, ZEROES]);
  await expect.poll(() => connection.state).toBe('closed');
  expect(counters.closed).toMatchObject({ 'setup-refused': 1, 'decryption-failed': 0, 'handler-failed': 0 });
});

test('a static key is zeroed when the files are read again, and stays when they are bad', () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-static-key-'));
  const clock = new ManualClock();
  const now = unixSeconds(clock);
  const [secret, authoritySecret] = [generateSecret(randomBytes), generateSecret(randomBytes)];
  const certificate = signCertificate({
    ...{ ec, authoritySecret, staticPublicKey: ec.xOnlyPublicKey(secret) },
    ...{ validFrom: now, notValidAfter: now + 60, random: randomBytes(32) },
  });
  const write = (file: string, bytes: Uint8Array) =>
    writeFileSync(join(directory, file), Buffer.from(bytes).toString('hex'));
  write('static-key', secret);
  write('certificate', encodeCertificate(certificate));
  const modules = { ec, random: randomBytes, clock, log: silentLogger() };
  const source = new CertificateFiles(directory, undefined, modules);
  const first = source.current().staticKey.secret;
  source.refresh();
  expect(source.current().staticKey.secret).toBe(first);
  write('static-key', secret);
  source.refresh();
  const second = source.current().staticKey.secret;
  expect([first, second]).toEqual([ZEROES, secret]);
  write('certificate', ZEROES);
  source.refresh();
  expect(source.current().staticKey.secret).toBe(second);
  expect(second).toEqual(secret);
  rmSync(directory, { recursive: true });
});
