import { describe, expect, it } from 'vitest';
import {
  decodeAuthorityPublicKey,
  decodeAuthoritySecretKey,
  encodeAuthorityPublicKey,
  encodeAuthoritySecretKey,
} from '../src/authority-key.ts';
import { nobleEc } from '../src/noble-ec.ts';

describe('authority keys', () => {
  it('read as in the specification, section 4.7.1', () => {
    const key = Uint8Array.of(
      ...[118, 99, 112, 0, 151, 156, 28, 17, 175, 12, 48, 11, 205, 140, 127, 228],
      ...[134, 16, 252, 233, 185, 193, 30, 61, 174, 227, 90, 224, 176, 138, 116, 85],
    );
    const text = '9bXiEd8boQVhq7WddEcERUL5tyyJVFYdU8th3HfbNXK3Yw6GRXh';
    expect(encodeAuthorityPublicKey(key)).toBe(text);
    expect(decodeAuthorityPublicKey(text)).toEqual(key);
  });

  it('pair as in the example configurations of the reference implementation', () => {
    const secret = decodeAuthoritySecretKey('mkDLTBBRxdBv998612qipDYoTK3YUrqLe8uWw7gu3iXbSrn2n');
    expect(encodeAuthorityPublicKey(nobleEc.xOnlyPublicKey(secret!))).toBe(
      '9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72',
    );
    expect(encodeAuthoritySecretKey(secret!)).toBe('mkDLTBBRxdBv998612qipDYoTK3YUrqLe8uWw7gu3iXbSrn2n');
  });

  it('are refused with a wrong letter, checksum, length or version', () => {
    const good = '9bXiEd8boQVhq7WddEcERUL5tyyJVFYdU8th3HfbNXK3Yw6GRXh';
    const secret = 'mkDLTBBRxdBv998612qipDYoTK3YUrqLe8uWw7gu3iXbSrn2n';
    for (const text of ['', '0', good.slice(1), good.replace('b', 'c'), `${good}1`, secret, 'é']) {
      expect(decodeAuthorityPublicKey(text)).toBeUndefined();
    }
    for (const text of ['', good, secret.replace('D', 'E')]) expect(decodeAuthoritySecretKey(text)).toBeUndefined();
  });

  it('of other lengths or outside the curve are not encoded', () => {
    expect(() => encodeAuthorityPublicKey(new Uint8Array(31))).toThrow(expect.objectContaining({ code: 'key-length' }));
    expect(() => encodeAuthoritySecretKey(new Uint8Array(32))).toThrow(
      expect.objectContaining({ code: 'secret-key-invalid' }),
    );
  });
});
