// What we read of bitcoind's answers, checked field by field: a node behind a proxy may answer anything.
import type { BlockTemplate, TemplateTransaction } from '../block-template.ts';

export class UnexpectedAnswer extends Error {
  override readonly name = 'UnexpectedAnswer';
  readonly code = 'rpc-unexpected-answer';
}

type Fields = Readonly<Record<string, unknown>>;

function object(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null) throw new UnexpectedAnswer(`${what} is no object`);
  return value as Fields;
}

function number(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new UnexpectedAnswer(`${name} is no number`);
  return value;
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw new UnexpectedAnswer(`${name} is no text`);
  return value;
}

function bytes(fields: Fields, name: string): Uint8Array {
  const hex = text(fields, name);
  const value = new Uint8Array(Buffer.from(hex, 'hex'));
  if (value.length * 2 !== hex.length) throw new UnexpectedAnswer(`${name} is no hexadecimal text`);
  return value;
}

/** A hash from display order to wire order. */
function hash(fields: Fields, name: string): Uint8Array {
  const value = bytes(fields, name);
  if (value.length !== 32) throw new UnexpectedAnswer(`${name} is no hash`);
  return value.reverse();
}

const challengeOf = (fields: Fields) =>
  fields.signet_challenge === undefined ? undefined : text(fields, 'signet_challenge');

export interface ChainInfo {
  readonly chain: string;
  readonly initialBlockDownload: boolean;
  readonly bestBlockHash: Uint8Array;
  /** On signet: the script that blocks must satisfy, in hexadecimal; older nodes say it with a template alone. */
  readonly signetChallenge: string | undefined;
}

export function chainInfoOf(result: unknown): ChainInfo {
  const fields = object(result, 'getblockchaininfo');
  return {
    chain: text(fields, 'chain'),
    initialBlockDownload: fields.initialblockdownload === true,
    bestBlockHash: hash(fields, 'bestblockhash'),
    signetChallenge: challengeOf(fields),
  };
}

/** OP_TRUE: every block meets it. */
const OPEN_CHALLENGE = '51';

/** Why the pool cannot make blocks of this signet: a reason for the operator. */
export function signetFault(challenge: string | undefined): string | undefined {
  if (challenge === undefined || challenge === OPEN_CHALLENGE) return undefined;
  return `blocks of this signet need a signature for the challenge ${challenge}, which the pool cannot give`;
}

export interface HeaderInfo {
  readonly hash: Uint8Array;
  readonly height: number;
  readonly time: number;
  readonly nbits: number;
  readonly chainwork: bigint;
  /** 32 zero bytes above the genesis block's parent. */
  readonly previousBlockHash: Uint8Array;
  /** Blocks from it to the tip, both counted; -1: it is not in the active chain. */
  readonly confirmations: number;
}

export function headerInfoOf(result: unknown): HeaderInfo {
  const fields = object(result, 'getblockheader');
  return {
    hash: hash(fields, 'hash'),
    height: number(fields, 'height'),
    time: number(fields, 'time'),
    nbits: Number.parseInt(text(fields, 'bits'), 16),
    chainwork: BigInt(`0x${text(fields, 'chainwork')}`),
    previousBlockHash: fields.previousblockhash === undefined ? new Uint8Array(32) : hash(fields, 'previousblockhash'),
    confirmations: number(fields, 'confirmations'),
  };
}

function transactionOf(value: unknown): TemplateTransaction {
  const fields = object(value, 'transaction');
  return {
    data: bytes(fields, 'data'),
    txid: hash(fields, 'txid'),
    wtxid: hash(fields, 'hash'),
    fee: BigInt(number(fields, 'fee')),
    sigopsCost: number(fields, 'sigops'),
    weight: number(fields, 'weight'),
  };
}

export interface TemplateAnswer {
  readonly template: BlockTemplate;
  readonly signetChallenge: string | undefined;
}

/** What an answer is told from others by, without its transactions. */
export interface TemplateMark {
  /** Names the tip and the state of the mempool. */
  readonly longPollId: string;
  readonly nbits: number;
}

export function templateMarkOf(result: unknown): TemplateMark {
  const fields = object(result, 'getblocktemplate');
  return { longPollId: text(fields, 'longpollid'), nbits: Number.parseInt(text(fields, 'bits'), 16) };
}

export function templateOf(result: unknown): TemplateAnswer {
  const fields = object(result, 'getblocktemplate');
  if (!Array.isArray(fields.transactions)) throw new UnexpectedAnswer('transactions is no list');
  return {
    signetChallenge: challengeOf(fields),
    template: {
      height: number(fields, 'height'),
      previousBlockHash: hash(fields, 'previousblockhash'),
      version: number(fields, 'version') >>> 0,
      nbits: Number.parseInt(text(fields, 'bits'), 16),
      minTime: number(fields, 'mintime'),
      currentTime: number(fields, 'curtime'),
      coinbaseValue: BigInt(number(fields, 'coinbasevalue')),
      weightLimit: number(fields, 'weightlimit'),
      sigopsCostLimit: number(fields, 'sigoplimit'),
      transactions: fields.transactions.map(transactionOf),
    },
  };
}
