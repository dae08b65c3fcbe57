import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { encodeCertificate, signCertificate } from '@sluice/noise/certificate';
import { generateSecret } from '@sluice/noise/ec';
import { nobleEc as ec } from '@sluice/noise/noble-ec';
import { ManualClock, unixSeconds } from '@sluice/runtime/clock';
import { createLogger } from '@sluice/runtime/logger';
import { randomBytes } from '@sluice/runtime/random';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CertificateFiles } from '../src/certificate-files.ts';

const VALID_SECONDS = 3_600;
const authoritySecret = generateSecret(randomBytes);
const authorityKey = ec.xOnlyPublicKey(authoritySecret);
const clock = new ManualClock();
const now = () => unixSeconds(clock);

let directory: string;
let log: string[];
const lines = new Writable({
  write(chunk, _, done) {
    log.push(String(chunk));
    done();
  },
});
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-certificate-'));
  log = [];
});
afterEach(() => rmSync(directory, { recursive: true }));

const open = (key: Uint8Array | undefined = authorityKey) =>
  new CertificateFiles(directory, key, {
    ...{ ec, random: randomBytes, clock },
    log: createLogger({ name: 'test', level: 'info', format: 'json', destination: lines }),
  });

function write(validFrom: number, { signer = authoritySecret, folder = directory } = {}): void {
  const staticSecret = generateSecret(randomBytes);
  const certificate = signCertificate({
    ...{ ec, authoritySecret: signer, staticPublicKey: ec.xOnlyPublicKey(staticSecret) },
    ...{ validFrom, notValidAfter: validFrom + VALID_SECONDS, random: randomBytes(32) },
  });
  writeFileSync(join(folder, 'static-key'), Buffer.from(staticSecret).toString('hex'));
  writeFileSync(join(folder, 'certificate'), `${Buffer.from(encodeCertificate(certificate)).toString('hex')}\n`);
}

const told = (text: string) => log.filter((line) => line.includes(text)).length;

test('a certificate that cannot be used is refused at the start', () => {
  expect(() => open()).toThrow(/static-key/);
  write(now(), { signer: generateSecret(randomBytes) });
  expect(() => open()).toThrow('certificate-untrusted');
  write(now() + 60);
  expect(() => open(undefined)).toThrow('certificate-not-yet-valid');
  write(now() - VALID_SECONDS - 60);
  expect(() => open()).toThrow('certificate-expired');
});

test('a renewed one is used; a broken one is told once, and the last one goes on', () => {
  write(now());
  const files = open();
  const { staticKey } = files.current();
  for (let looks = 0; looks < 3; looks++) files.refresh();
  expect(files.current().staticKey).toBe(staticKey);
  writeFileSync(join(directory, 'static-key'), 'zz');
  files.refresh();
  expect([files.faults, log]).toEqual([0, []]);
  for (let looks = 0; looks < 3; looks++) files.refresh();
  expect(files.current().staticKey).toBe(staticKey);
  expect([files.faults, told('could not be read again')]).toEqual([1, 1]);
  rmSync(join(directory, 'certificate'));
  for (let looks = 0; looks < 3; looks++) files.refresh();
  expect([files.faults, told('could not be read again')]).toEqual([2, 2]);
  write(now() - 60);
  files.refresh();
  expect(files.current().certificate.validFrom).toBe(now() - 60);
  expect(told('was renewed')).toBe(1);
});

test('one under another authority is not taken', () => {
  write(now());
  const files = open();
  const first = files.current();
  write(now(), { signer: generateSecret(randomBytes) });
  for (let looks = 0; looks < 2; looks++) files.refresh();
  expect(files.current()).toBe(first);
  expect(files.faults).toBe(1);
});

test('one that is not valid yet is used when it is', () => {
  write(now());
  const files = open();
  write(now() + 60);
  for (let looks = 0; looks < 3; looks++) files.refresh();
  expect([files.faults, told('certificate-not-yet-valid')]).toEqual([1, 1]);
  clock.advance(60_000);
  files.refresh();
  expect(files.current().certificate.validFrom).toBe(now());
});

test('folders are exchanged under it by a link, as Kubernetes does', () => {
  const mount = (name: string, validFrom: number) => {
    const folder = join(directory, name);
    mkdirSync(folder);
    write(validFrom, { folder });
    symlinkSync(name, join(directory, '..data_tmp'));
    renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
  };
  mount('..first', now());
  for (const name of ['static-key', 'certificate']) symlinkSync(join('..data', name), join(directory, name));
  const files = open();
  mount('..second', now() - 60);
  files.refresh();
  expect(files.current().certificate.validFrom).toBe(now() - 60);
});

test('one that expires is told once, and used all the same', () => {
  write(now());
  const files = open();
  clock.advance((VALID_SECONDS + 1) * 1_000);
  for (let looks = 0; looks < 3; looks++) files.refresh();
  expect(told('has expired')).toBe(1);
  write(now());
  files.refresh();
  expect(files.current().certificate.validFrom).toBe(now());
});
