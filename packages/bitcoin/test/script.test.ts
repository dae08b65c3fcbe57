import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { descriptorChecksum } from '../src/descriptor-checksum.ts';
import { networks } from '../src/network.ts';
import { scriptFor, scriptSigops } from '../src/script.ts';

const hex = (script: Uint8Array) => Buffer.from(script).toString('hex');
const coded = (code: string) => expect.objectContaining({ code });

/** Secret key 1: its public key is the generator, so that these scripts and addresses are known everywhere. */
const KEY = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';
const UNCOMPRESSED =
  '0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8';
const P2PKH = '76a914751e76e8199196d454941c45d1b3a323f1433bd688ac';
const P2WPKH = '0014751e76e8199196d454941c45d1b3a323f1433bd6';

describe('addresses', () => {
  test.each([
    // BIP173, BIP350, BIP86 and the generator's own.
    ['1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH', 'mainnet', P2PKH],
    ['BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4', 'mainnet', P2WPKH],
    ['tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx', 'testnet4', P2WPKH],
    ['tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx', 'signet', P2WPKH],
    ['mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r', 'regtest', P2PKH],
    [
      'bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3',
      'mainnet',
      '00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262',
    ],
    [
      'bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr',
      'mainnet',
      '5120a60869f0dbcf1dc659c9cecbaf8050135ea9e8cdc487053f1dc6880949dc684c',
    ],
    ['3P14159f73E4gFr7JterCCQh9QjiTjiZrG', 'mainnet', 'a914e9c3dd0c07aac76179ebc76a6c78d4d67c6c160a87'],
  ] as const)('%s on %s', (address, network, script) => {
    expect(hex(scriptFor(address, network))).toBe(script);
    expect(hex(scriptFor(`addr(${address})`, network))).toBe(script);
  });

  test('of another network are refused by its name', () => {
    expect(() => scriptFor('bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', 'regtest')).toThrow(
      coded('address-wrong-network'),
    );
    expect(() => scriptFor('bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', 'regtest')).toThrow(
      /is of mainnet, not of regtest/,
    );
    expect(() => scriptFor('1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH', 'signet')).toThrow(coded('address-wrong-network'));
    expect(() => scriptFor('tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx', 'mainnet')).toThrow(/testnet4 or signet/);
  });

  test.each([
    '1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMX',
    'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5',
    // Witness version 1 in the old checksum, and version 16: nobody can spend the latter by a rule of today [BIP350].
    'bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7k7grplx',
    'BC1SW50QGDZ25J',
    'hello',
    '',
  ])('refuses "%s"', (address) => {
    for (const network of networks) expect(() => scriptFor(address, network)).toThrow(coded('address-invalid'));
  });
});

describe('descriptors', () => {
  test.each([
    [`pkh(${KEY})`, P2PKH],
    [`pkh(${UNCOMPRESSED})`, '76a91491b24bf9f5288532960ac687abb035127b1d28a588ac'],
    [`wpkh(${KEY})`, P2WPKH],
    [`wpkh([d34db33f/84'/0h/0]${KEY})`, P2WPKH],
    [`sh(wpkh(${KEY}))`, 'a914bcfeb728b584253d5f3f70bcb780e9ef218a68f487'],
    // BIP86, first receiving key: internal key and output key.
    [
      'tr(cc8a4bc64d897bddc5fbc2f670f7a8ba0b386779106cf1223c6fc5d7cd6fc115)',
      '5120a60869f0dbcf1dc659c9cecbaf8050135ea9e8cdc487053f1dc6880949dc684c',
    ],
    [`tr(${KEY})`, '5120da4710964f7852695de2da025290e24af6d8c281de5a0b902b7135fd9fd74d21'],
    ['raw(6a0568656c6c6f)', '6a0568656c6c6f'],
    ['raw(deadbeef)#89f8spxm', 'deadbeef'],
  ])('%s', (descriptor, script) => {
    expect(hex(scriptFor(descriptor, 'mainnet'))).toBe(script);
    const bare = descriptor.replace(/#.*/, '');
    expect(hex(scriptFor(`${bare}#${descriptorChecksum(bare)}`, 'mainnet'))).toBe(script);
  });

  test('verify the checksum that is given', () => {
    // BIP380's vectors, and an encoding with every kind of fault it lists.
    expect(descriptorChecksum('raw(deadbeef)')).toBe('89f8spxm');
    for (const faulty of [
      'raw(deadbeef)#',
      'raw(deadbeef)#89f8spxmx',
      'raw(deadbeef)#89f8spx',
      'raw(dedbeef)#89f8spxm',
      'raw(deadbeef)##9f8spxm',
    ]) {
      expect(() => scriptFor(faulty, 'mainnet')).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^descriptor-/) }),
      );
    }
    expect(() => scriptFor(`wpkh(${KEY})#qqqqqqqq`, 'mainnet')).toThrow(coded('descriptor-checksum'));
  });

  test.each([
    ['wpkh(02)', 'descriptor-invalid'],
    [`wpkh(${UNCOMPRESSED})`, 'descriptor-invalid'],
    [`wpkh(zz)`, 'descriptor-invalid'],
    [`wpkh(02${'ff'.repeat(32)})`, 'descriptor-invalid'],
    [`tr(${'ff'.repeat(32)})`, 'descriptor-invalid'],
    [`tr(04${'aa'.repeat(32)})`, 'descriptor-invalid'],
    [`wpkh(${KEY}`, 'descriptor-invalid'],
    ['raw()', 'descriptor-invalid'],
    ['raw(abc)', 'descriptor-invalid'],
    ['raw(é)', 'descriptor-invalid'],
    [`wsh(pk(${KEY}))`, 'descriptor-unsupported'],
    [`sh(multi(1,${KEY}))`, 'descriptor-unsupported'],
    [`tr(${KEY.slice(2)},pk(${KEY}))`, 'descriptor-unsupported'],
    [
      'wpkh(xpub6CUGRUonZSQ4TWtTMmzXdrXDtypWKiKrhko4egpiMZbpiaQL2jkwSB1icqYh2cfDfVxdx4df189oLKnC5fSwqPfgyP3hooxujYzAu3fDVmz)',
      'descriptor-unsupported',
    ],
    ['addr(bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4)', 'address-wrong-network'],
    ['addr(nonsense)', 'address-invalid'],
  ])('%s is %s', (descriptor, code) => {
    expect(() => scriptFor(descriptor, 'regtest')).toThrow(coded(code));
  });
});

describe('private keys', () => {
  // The vectors of BIP32 and BIP84, and the secret key 1.
  const XPRV =
    'xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi';
  const ZPRV =
    'zprvAWgYBBk7JR8Gjrh4UJQ2uJdG1r3WNRRfURiABBE3RvMXYSrRJL62XuezvGdPvG6GFBZduosCc1YP5wixPox7zhZLfiUm8aunE96BBa4Kei5';
  const COMPRESSED = 'KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWn';
  const UNCOMPRESSED_WIF = '5HpHagT65TZzG1PH3CSu63k8DbpvD8s5ip4nEB3kEsreAnchuDf';
  const TESTNET = 'cMahea7zqjxrtgAbB7LSGbcQUr1uX1ojuat9jZodMN87JcbXMTcA';
  const SECRET = '0000000000000000000000000000000000000000000000000000000000000001';

  test.each([
    XPRV,
    `wpkh(${XPRV})`,
    `wpkh([d34db33f/84'/0h/0]${XPRV}/0/*)#qqqqqqqq`,
    `wpkh(${XPRV.slice(0, 30)}`,
    `WPKH(${ZPRV})`,
    `tr(${XPRV.replace('x', 't')})`,
    COMPRESSED,
    ` ${UNCOMPRESSED_WIF} `,
    `addr(${TESTNET})`,
    `sh(wpkh(${COMPRESSED}))`,
    `multi(1,${KEY},${COMPRESSED})`,
    `${COMPRESSED.slice(0, -1)}0`,
    COMPRESSED.slice(0, -2),
    SECRET,
    `wpkh(${SECRET})`,
    `pkh(${SECRET.toUpperCase().replaceAll('0', 'A')})`,
  ])('are refused without a trace of them: %s', (text) => {
    for (const network of networks) {
      let error: unknown;
      try {
        scriptFor(text, network);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toMatchObject({ code: 'descriptor-private-key' });
      for (let at = 0; at + 8 <= text.length; at += 1) expect(String(error)).not.toContain(text.slice(at, at + 8));
    }
  });

  test('are not seen in what is public', () => {
    expect(hex(scriptFor(`raw(${'5c'.repeat(26)})`, 'mainnet'))).toBe('5c'.repeat(26));
    expect(hex(scriptFor(`raw(${'ab'.repeat(32)})`, 'mainnet'))).toBe('ab'.repeat(32));
    expect(() => scriptFor(`${XPRV.replace('prv', 'pub')}`, 'mainnet')).toThrow(coded('address-invalid'));
  });
});

describe('signature operations', () => {
  test.each([
    [P2PKH, 1],
    [P2WPKH, 0],
    ['', 0],
    ['acadaeaf', 42],
    // Inside of a push nothing counts, whatever its length is written with; a push beyond the end stops the count.
    ['02acacac', 1],
    ['4c02acacac', 1],
    ['4d0200acacac', 1],
    ['4e02000000acacac', 1],
    ['ac4c', 1],
    ['ac4dff', 1],
    ['ac10ac', 1],
  ])('%s has %i', (script, count) => {
    expect(scriptSigops(Buffer.from(script, 'hex'))).toBe(count);
  });

  test('are counted in any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (script) => {
        expect(scriptSigops(script)).toBeLessThanOrEqual(20 * script.length);
      }),
    );
  });
});
