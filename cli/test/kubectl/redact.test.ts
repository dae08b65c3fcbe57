import { describe, expect, it } from 'vitest';
import { redacted, redactedText } from '../../src/kubectl/redact.ts';

describe('what goes to others', () => {
  it('has no passwords, tokens and private keys, whatever they stand in', () => {
    const key =
      'xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi';
    const single = 'KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWn';
    for (const [text, secret] of [
      ['http://user:hunter2@node:8332/wallet', 'hunter2'],
      ['stratum+tcp://acct:hun@ter2@pool.example:3333', 'ter2'],
      ['http://node:8332?password=hunter2&zmq=x', 'hunter2'],
      ['{"token":"hunter2","name":"x"}', 'hunter2'],
      [JSON.stringify({ body: JSON.stringify({ token: 'hunter2' }) }), 'hunter2'],
      ['Authorization: Bearer hunter2.x', 'hunter2'],
      ['Authorization: Basic aHVudGVyMg==', 'aHVudGVyMg'],
      [`wpkh(${key}/0/*)`, key],
      [`wpkh([d34db33f/84h]${single})#checksum`, single],
      ['-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----', 'hunter2'],
    ] as const) {
      expect(redactedText(text)).not.toContain(secret);
      expect(redactedText(text)).toContain('(hidden)');
    }
    expect(redacted({ list: [{ rpcPassword: 'hunter2' }] })).toEqual({ list: [{ rpcPassword: '(hidden)' }] });
  });

  it('keeps what one needs to help', () => {
    const spec = {
      credentialsSecretRef: { name: 'up', key: 'password' },
      url: 'stratum2+tcp://pool.example:3336/9bXiEd8boQVhq7WddEcERUL5tyyJVFYdU8th3HfbNXK3Yw6GRXh',
      replicas: 2,
      note: null,
    };
    expect(redacted(spec)).toEqual(spec);
  });

  it('does not repeat the object in annotations', () => {
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{}', kept: 'x' };
    expect(redacted({ annotations, managedFields: [] })).toEqual({ annotations: { kept: 'x' } });
  });
});
