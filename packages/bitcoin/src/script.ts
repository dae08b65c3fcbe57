// Where the coins of a block go: from an address or an output descriptor [BIP380] to the script of an output.
import { hexToBytes } from '@noble/hashes/utils.js';
import { Address, OutScript, p2pkh, p2sh, p2tr, p2wpkh } from '@scure/btc-signer/payment.js';
import { descriptorChecksum } from './descriptor-checksum.ts';
import { BitcoinError } from './errors.ts';
import { type Network, networkParameters, networks } from './network.ts';

/**
 * Output script of an address, or of a descriptor: addr(ADDRESS), pkh(KEY), wpkh(KEY), sh(wpkh(KEY)), tr(KEY), raw(HEX), with
 * or without `#checksum`. KEY is a public key in hexadecimal, an origin `[…]` before it is skipped.
 * @throws BitcoinError `descriptor-private-key`, which does not show the text; `address-invalid`, `address-wrong-network`,
 * `descriptor-invalid`, `descriptor-checksum`, `descriptor-unsupported`, which do.
 */
export function scriptFor(addressOrDescriptor: string, network: Network): Uint8Array {
  const text = addressOrDescriptor.trim();
  if (mayHoldPrivateKey(text)) {
    throw new BitcoinError('descriptor-private-key', 'it holds what looks like a private key, so it is not shown');
  }
  if (!text.includes('(')) return scriptOfAddress(text, network);
  return scriptOfExpression(withoutChecksum(text), network);
}

const EXTENDED_PRIVATE_KEY = /^[tuvxyz]prv/i;
/** Base58check of a private key, with room for characters that were mistyped, lost or doubled. */
const WALLET_IMPORT_FORMAT = /^[5KLc9][0-9A-Za-z]{48,54}$/;
const HEX = /^[\da-f]+$/i;
/** Where 32 bytes in hexadecimal are public. */
const TAKES_32_BYTES = /^(tr|raw)\(/;

function mayHoldPrivateKey(text: string): boolean {
  return text.split(/[^0-9A-Za-z]+/).some((word) => {
    if (HEX.test(word)) return word.length === 64 && !TAKES_32_BYTES.test(text);
    return EXTENDED_PRIVATE_KEY.test(word) || WALLET_IMPORT_FORMAT.test(word);
  });
}

function scriptOfAddress(address: string, network: Network): Uint8Array {
  const script = addressScript(address, network);
  if (script !== undefined) return script;
  const others = networks.filter((other) => addressScript(address, other) !== undefined);
  if (others.length > 0) {
    throw new BitcoinError(
      'address-wrong-network',
      `address ${address} is of ${others.join(' or ')}, not of ${network}`,
    );
  }
  throw new BitcoinError(
    'address-invalid',
    `"${address}" is no address: its checksum, length or kind is wrong for every known network`,
  );
}

/** Output script of an address of any kind: P2PKH, P2SH, P2WPKH, P2WSH or P2TR. `undefined`: it is none of this network. */
export function addressScript(address: string, network: Network): Uint8Array | undefined {
  const { bech32, pubKeyHash, scriptHash } = networkParameters[network];
  try {
    // `wif` is a part of the type that neither addresses nor scripts use.
    return OutScript.encode(Address({ bech32, pubKeyHash, scriptHash, wif: 0 }).decode(address));
  } catch {
    return undefined;
  }
}

function withoutChecksum(text: string): string {
  const hash = text.lastIndexOf('#');
  const descriptor = hash < 0 ? text : text.slice(0, hash);
  const expected = descriptorChecksum(descriptor);
  if (expected === undefined) {
    throw new BitcoinError('descriptor-invalid', `descriptor ${descriptor} has a character that no descriptor has`);
  }
  if (hash >= 0 && text.slice(hash + 1) !== expected) {
    throw new BitcoinError(
      'descriptor-checksum',
      `descriptor checksum #${text.slice(hash + 1)} is not that of ${descriptor}`,
    );
  }
  return descriptor;
}

function scriptOfExpression(expression: string, network: Network): Uint8Array {
  const match = /^([a-z_]+)\((.*)\)$/.exec(expression);
  if (match === null)
    throw new BitcoinError('descriptor-invalid', `descriptor ${expression} is not of the form kind(…)`);
  const [, kind, argument] = match as unknown as [string, string, string];
  switch (kind) {
    case 'addr':
      return scriptOfAddress(argument, network);
    case 'raw':
      return hexBytes(argument);
    case 'pkh':
      return scriptOfKey(argument, (key) => p2pkh(key).script);
    case 'wpkh':
      return scriptOfKey(argument, (key) => p2wpkh(key).script);
    case 'tr':
      return scriptOfKey(argument, (key) => p2tr(xOnly(key)).script);
    case 'sh': {
      const inner = /^wpkh\((.*)\)$/.exec(argument);
      if (inner === null) throw unsupported(`sh(${argument}): only sh(wpkh(KEY)) is known`);
      return scriptOfKey(inner[1]!, (key) => p2sh(p2wpkh(key)).script);
    }
    default:
      throw unsupported(`${kind}(…): known are addr, pkh, wpkh, sh(wpkh), tr and raw`);
  }
}

/** Key origin: fingerprint and path in square brackets. */
const ORIGIN = /^\[[0-9a-f]{8}(\/\d+['h]?)*\]/i;

function scriptOfKey(text: string, script: (key: Uint8Array) => Uint8Array): Uint8Array {
  const key = text.replace(ORIGIN, '');
  if (/^[a-z]pub/i.test(key)) throw unsupported('extended keys: give an address, or the public key in hexadecimal');
  if (key.includes(',')) throw unsupported('script trees and several keys: give the address');
  const bytes = hexBytes(key);
  try {
    return script(bytes);
  } catch (cause) {
    throw new BitcoinError('descriptor-invalid', `${key} is no public key of the kind that this descriptor takes`, {
      cause,
    });
  }
}

/** A compressed key may stand for its x coordinate in `tr` [BIP386]. */
function xOnly(key: Uint8Array): Uint8Array {
  return key.length === 33 && (key[0] === 0x02 || key[0] === 0x03) ? key.subarray(1) : key;
}

function hexBytes(text: string): Uint8Array {
  if (text.length === 0 || text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) {
    throw new BitcoinError('descriptor-invalid', `"${text}" is not hexadecimal`);
  }
  return hexToBytes(text);
}

function unsupported(what: string): BitcoinError {
  return new BitcoinError('descriptor-unsupported', `descriptor not supported: ${what}`);
}

const OP_PUSHDATA1 = 0x4c;
const OP_PUSHDATA2 = 0x4d;
const OP_PUSHDATA4 = 0x4e;
const OP_CHECKSIG = 0xac;
const OP_CHECKSIGVERIFY = 0xad;
const OP_CHECKMULTISIG = 0xae;
const OP_CHECKMULTISIGVERIFY = 0xaf;
/** What a multisignature counts when nobody reads how many keys it has (`MAX_PUBKEYS_PER_MULTISIG`). */
const MULTISIG_OPERATIONS = 20;

/**
 * Legacy signature operations of an output's script, as Bitcoin Core's `GetSigOpCount(false)` counts them up to a push that
 * leaves the script; each costs four towards a block's limit [BIP141].
 */
export function scriptSigops(script: Uint8Array): number {
  const view = new DataView(script.buffer, script.byteOffset, script.length);
  let count = 0;
  let offset = 0;
  while (offset < script.length) {
    const opcode = script[offset]!;
    offset += 1;
    if (opcode <= OP_PUSHDATA4) {
      const lengthBytes = opcode < OP_PUSHDATA1 ? 0 : opcode === OP_PUSHDATA1 ? 1 : opcode === OP_PUSHDATA2 ? 2 : 4;
      if (offset + lengthBytes > script.length) break;
      offset += lengthBytes + pushLength(view, opcode, offset);
    } else if (opcode === OP_CHECKSIG || opcode === OP_CHECKSIGVERIFY) {
      count += 1;
    } else if (opcode === OP_CHECKMULTISIG || opcode === OP_CHECKMULTISIGVERIFY) {
      count += MULTISIG_OPERATIONS;
    }
  }
  return count;
}

function pushLength(view: DataView, opcode: number, offset: number): number {
  if (opcode < OP_PUSHDATA1) return opcode;
  if (opcode === OP_PUSHDATA1) return view.getUint8(offset);
  return opcode === OP_PUSHDATA2 ? view.getUint16(offset, true) : view.getUint32(offset, true);
}
