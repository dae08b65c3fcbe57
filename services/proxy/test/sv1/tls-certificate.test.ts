// The files of the TLS certificate: what is wrong with them, and what becomes of it when they change.
import fs, { chmodSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { ManualClock } from '@sluice/runtime/clock';
import { createLogger } from '@sluice/runtime/logger';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeTlsPair, type PemPair } from '../../../../test/support/tls-certificate.ts';
import { TlsCertificate, type TlsCertificateModules } from '../../src/sv1/tls-certificate.ts';

const NOW = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;
const validUntil = (notAfterMs: number) =>
  makeTlsPair({ notBefore: new Date(NOW - HOUR_MS), notAfter: new Date(notAfterMs) });

let directory: string;
let logged: Record<string, unknown>[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
  logged = [];
});
afterEach(() => rmSync(directory, { recursive: true }));

const files = () => ({ certificate: join(directory, 'tls.crt'), key: join(directory, 'tls.key') });

/** As certificate tools do it: written beside, then renamed over. */
function replace(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function write({ certificate, key }: PemPair): void {
  replace(files().certificate, certificate);
  replace(files().key, key);
}

interface Opened {
  readonly clock: ManualClock;
  readonly counters: TlsCertificateModules['counters'];
  readonly certificate: TlsCertificate;
}

function open(): Opened {
  const clock = new ManualClock(NOW);
  const counters = { tlsCertificateFaults: 0 };
  const destination = new Writable({
    decodeStrings: false,
    write: (line: string, _encoding, done) => {
      logged.push(JSON.parse(line) as Record<string, unknown>);
      done();
    },
  });
  const log = createLogger({ name: 'proxy', level: 'info', format: 'json', destination });
  return { clock, counters, certificate: new TlsCertificate(files(), { clock, log, counters }) };
}

const told = (part: string) => logged.filter(({ msg }) => String(msg).includes(part)).length;

test.each([
  ['no files', (): void => undefined, /tls\.crt cannot be read/],
  ['a key that others may read', () => chmodSync(files().key, 0o644), /tls\.key: others may use it/],
  ['no certificate', () => writeFileSync(files().certificate, 'hello'), /tls\.crt holds no certificate in PEM/],
  ['no key', () => writeFileSync(files().key, 'hello'), /tls\.key holds no private key in PEM/],
  ['the key of another', () => replace(files().key, makeTlsPair().key), /tls\.key is not the key of .*tls\.crt/],
] as const)('%s is told at the start', (what, spoil, message) => {
  if (what !== 'no files') write(validUntil(NOW + HOUR_MS));
  spoil();
  expect(open).toThrow(message);
});

test('new files are used when both are there, and what stays broken is told once', () => {
  const [first, second] = [validUntil(NOW + HOUR_MS), validUntil(NOW + 2 * HOUR_MS)];
  write(first);
  const { certificate, counters } = open();
  expect(certificate.expiry).toBe((NOW + HOUR_MS) / 1_000);
  expect(certificate.refresh()).toBe(false);
  // Between the two files of an orderly change.
  replace(files().certificate, second.certificate);
  expect(certificate.refresh()).toBe(false);
  replace(files().key, second.key);
  expect(certificate.refresh()).toBe(true);
  expect(certificate.current).toMatchObject({ cert: second.certificate, minVersion: 'TLSv1.2' });
  expect(certificate.expiry).toBe((NOW + 2 * HOUR_MS) / 1_000);
  expect(logged.map(({ msg }) => msg)).toEqual(['the TLS certificate was renewed']);
  replace(files().key, first.key);
  for (let looks = 0; looks < 5; looks++) expect(certificate.refresh()).toBe(false);
  expect(certificate.current.cert).toBe(second.certificate);
  expect([counters.tlsCertificateFaults, told('could not be read again')]).toEqual([1, 1]);
  unlinkSync(files().key);
  for (let looks = 0; looks < 5; looks++) expect(certificate.refresh()).toBe(false);
  expect([counters.tlsCertificateFaults, told('could not be read again')]).toEqual([2, 2]);
  // A link that leads to itself cannot even be looked at.
  symlinkSync('tls.key', files().key);
  for (let looks = 0; looks < 5; looks++) expect(certificate.refresh()).toBe(false);
  expect([counters.tlsCertificateFaults, told('could not be read again')]).toEqual([3, 3]);
  write(first);
  expect(certificate.refresh()).toBe(true);
  expect(certificate.current.cert).toBe(first.certificate);
});

test('a certificate that has expired is told once and used', () => {
  write(validUntil(NOW + HOUR_MS));
  const { certificate, clock } = open();
  clock.advance(HOUR_MS);
  certificate.refresh();
  expect(told('has expired')).toBe(0);
  clock.advance(1_000);
  for (let looks = 0; looks < 3; looks++) certificate.refresh();
  expect(told('has expired')).toBe(1);
  write(validUntil(NOW + HOUR_MS / 2));
  expect(certificate.refresh()).toBe(true);
  expect(told('has expired')).toBe(2);
});

test('files that could not be read for a moment are used when they can be, though nobody has touched them', () => {
  write(validUntil(NOW + HOUR_MS));
  const { certificate, counters } = open();
  const second = validUntil(NOW + 2 * HOUR_MS);
  write(second);
  const { readFileSync } = fs;
  fs.readFileSync = () => {
    throw new Error('EMFILE: too many open files');
  };
  syncBuiltinESMExports();
  try {
    for (let looks = 0; looks < 5; looks++) expect(certificate.refresh()).toBe(false);
  } finally {
    fs.readFileSync = readFileSync;
    syncBuiltinESMExports();
  }
  expect([counters.tlsCertificateFaults, told('could not be read again')]).toEqual([1, 1]);
  expect(certificate.refresh()).toBe(true);
  expect(certificate.current.cert).toBe(second.certificate);
});
