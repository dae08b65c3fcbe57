import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeAuthorityPublicKey } from '@sluice/noise/authority-key';
import { describe, expect, it, onTestFinished } from 'vitest';
import { authorityKey } from '../../../../packages/client/test/support/fake-server.ts';
import { upstreamUrls } from '../../src/upstream/upstream-url.ts';

const type = upstreamUrls();
const key = encodeAuthorityPublicKey(authorityKey);
const url = `stratum2+tcp://pool.example:3333/${key}`;

describe('upstreams as a setting', () => {
  it('are URLs in order of preference, some with an identity of their own', () => {
    const parsed = type.parse(`${url},stratum2+tcp://127.0.0.1:3334?identity=bc1q%2Efarm%2C1`);
    expect(parsed).toEqual([
      { host: 'pool.example', port: 3333, authorityKey },
      { host: '127.0.0.1', port: 3334, identity: 'bc1q.farm,1' },
    ]);
    expect(type.format(parsed ?? [])).toBe(`${url},stratum2+tcp://127.0.0.1:3334?identity=bc1q.farm%2C1`);
  });

  it('of Stratum V1 have a user, who is their identity, and a password', () => {
    const texts = [
      'stratum+tcp://bc1q%2C1.farm:d%3D5@[::1]:3333',
      'stratum+tcp://farm:@pool.example:3333/',
      'stratum+tcp://pool.example:3334',
    ];
    const parsed = type.parse(texts.join(','));
    expect(parsed).toEqual([
      { host: '::1', port: 3333, identity: 'bc1q,1.farm', sv1Password: 'd=5' },
      { host: 'pool.example', port: 3333, identity: 'farm', sv1Password: '' },
      { host: 'pool.example', port: 3334, sv1Password: 'x' },
    ]);
    expect(type.parse(type.format(parsed ?? []))).toEqual(parsed);
  });

  it('of Stratum V1 may have their password in a file, which is for its owner alone', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-upstream-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'password');
    const text = `stratum+ssl://farm@pool.example:443?passwordFile=${encodeURIComponent(file)}&weight=2`;
    const parsed = type.parse(text) ?? [];
    expect(parsed).toMatchObject([{ identity: 'farm', passwordFile: file, isTls: true, weight: 2 }]);
    expect(type.format(parsed)).toBe(text);
    expect(type.fault?.(parsed)).toContain(`${file} cannot be read`);
    writeFileSync(file, 'sekrit', { mode: 0o644 });
    expect(type.fault?.(parsed)).toContain('others may use it');
    chmodSync(file, 0o600);
    expect(type.fault?.(parsed)).toBe(undefined);
    for (const other of ['stratum+tcp://farm:x@p:1', 'stratum+tcp://p:1', `stratum2+tcp://p:1/${key}`])
      expect(type.parse(`${other}?passwordFile=/x`), other).toBe(undefined);
  });

  it('of Stratum V1 may be spoken to by TLS, by either of its names', () => {
    const parsed = type.parse('stratum+ssl://farm:x@pool.example:443,stratum+tls://pool.example:3334');
    expect(parsed).toEqual([
      { host: 'pool.example', port: 443, identity: 'farm', sv1Password: 'x', isTls: true },
      { host: 'pool.example', port: 3334, sv1Password: 'x', isTls: true },
    ]);
    expect(type.format(parsed ?? [])).toBe('stratum+ssl://farm:x@pool.example:443,stratum+ssl://pool.example:3334');
  });

  it('of a node that belongs to the farm have whom its blocks pay', () => {
    const text = `${url}?payout=addr(bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4)%238gjy2e5q&weight=1`;
    const payout = 'addr(bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4)#8gjy2e5q';
    const parsed = type.parse(text);
    expect(parsed).toEqual([{ host: 'pool.example', port: 3333, authorityKey, payout, weight: 1 }]);
    expect(type.parse(type.format(parsed ?? []))).toEqual(parsed);
  });

  it('may have a weight, by which they share the farm', () => {
    const texts = [`${url}?identity=farm&weight=70`, 'stratum+tcp://farm:x@pool.example:3334?weight=30'];
    const parsed = type.parse(texts.join(','));
    expect(parsed).toEqual([
      { host: 'pool.example', port: 3333, authorityKey, identity: 'farm', weight: 70 },
      { host: 'pool.example', port: 3334, identity: 'farm', sv1Password: 'x', weight: 30 },
    ]);
    expect(type.format(parsed ?? [])).toBe(texts.join(','));
    expect(type.parse(`${url}?weight=1000`)).toMatchObject([{ weight: 1_000 }]);
    expect(type.parse(`${url}?weight=1&identity=farm`)).toMatchObject([{ weight: 1, identity: 'farm' }]);
  });

  it.each([
    'stratum+tcp://farm:x@pool.example',
    `stratum+tcp://pool.example:3333/${key}`,
    'stratum+tcp://%E0%A4:x@pool.example:3333',
    'stratum+tcp://farm:%E0%A4@pool.example:3333',
    'stratum+tcp://a@b@pool.example:3333',
    'stratum+udp://farm:x@pool.example:3333',
    'pool.example:3333',
    `${url}?`,
    `${url}?identity=`,
    `${url}?user=farm`,
    `${url}?payout=`,
    `${url}?payout=bc1q&identity=farm`,
    'stratum+tcp://farm:x@pool.example:3333?payout=bc1q',
    `${url}?weight=0`,
    `${url}?weight=1001`,
    `${url}?weight=0.5`,
    `${url}?weight=70&weight=30`,
    `${url}?identity=farm&`,
    'stratum+tcp://pool.example:3333?identity=farm',
    `${url}?identity=a&b=c`,
    `${url}?identity=a?identity=b`,
    `${url}?identity=%E0%A4`,
    `${url}?identity=${'x'.repeat(256)}`,
    `${url}x`,
  ])('are not: %s', (text) => {
    expect(type.parse(text)).toBeUndefined();
  });

  it('are each given once, and eight at most', () => {
    const many = Array.from({ length: 9 }, (_, index) => `stratum2+tcp://127.0.0.1:${index + 1}`);
    expect(type.fault?.(type.parse(many.slice(0, 8).join(',')) ?? [])).toBeUndefined();
    expect(type.fault?.(type.parse(many.join(',')) ?? [])).toBe('9 upstreams');
    expect(type.fault?.(type.parse(`${url},${url}?identity=other`) ?? [])).toBe(
      'upstream pool.example:3333 is given twice',
    );
  });
});
