import { sha256d } from '@sluice/bitcoin/hash';
import { encodeHeader } from '@sluice/bitcoin/header';
import { foldMerklePath } from '@sluice/bitcoin/merkle';
import type { Network } from '@sluice/bitcoin/network';
import { meetsTarget, targetToBytes } from '@sluice/bitcoin/target';
import { decodeTransaction } from '@sluice/bitcoin/transaction';
import type { NewTemplate } from '@sluice/sv2/messages/template-distribution/new-template';
import { describe, expect, it } from 'vitest';
import { constraintsOf, SOLO_PREFIX_SIZE, SoloWork, TEMPLATES_BOUND } from '../../src/upstream/solo-work.ts';
import type { UpstreamWork } from '../../src/upstream/upstream-work.ts';
import { hashOf } from '../miners/fake-farm.ts';
import { HEIGHT, newBlock, newTemplate, REGTEST_NBITS, SCRIPT } from './told-templates.ts';
import { HARD_NBITS, TIME } from './told-work.ts';

const PREFIX = new Uint8Array(SOLO_PREFIX_SIZE).fill(0xee);
const link = { isOpen: true, submit: () => undefined };
const siblings = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];

const soloWork = (network: Network = 'regtest') => new SoloWork(link, { script: SCRIPT, network }, PREFIX);

const coinbaseOf = ({ coinbasePrefix, coinbaseSuffix, extranonceSize }: UpstreamWork, extranonce = 0x33) => {
  const bytes = Buffer.concat([coinbasePrefix, new Uint8Array(extranonceSize).fill(extranonce), coinbaseSuffix]);
  const coinbase = decodeTransaction(bytes);
  if (coinbase === undefined) throw new Error('no coinbase');
  return coinbase;
};

describe('SoloWork', () => {
  it('has no work before a template is named by a tip', () => {
    const solo = soloWork();
    expect(solo.addTemplate(newTemplate(1), 0)).toBeUndefined();
    expect(solo.work).toBeUndefined();
    expect(solo.setNewPrevHash(newBlock(1, 0xa1), 0)).toBeUndefined();
    expect(solo.work).toMatchObject({ link, nbits: REGTEST_NBITS, minNtime: TIME, versionRollingAllowed: true });
    expect(solo.work?.prevHash).toEqual(new Uint8Array(32).fill(0xa1));
    expect(solo.work?.target.value).toBe(0x7fffffn << 232n);
  });

  it('makes a coinbase of the template, whose value goes to the payout and whose extranonce is nobody else’s', () => {
    const solo = soloWork();
    const template = newTemplate(1, { coinbaseTxValueRemaining: 5_000_000_007n, merklePath: siblings });
    solo.addTemplate(template, 0);
    solo.setNewPrevHash(newBlock(1, 0xa1), 0);
    const work = solo.work!;
    const { version, locktime, inputs, outputs } = coinbaseOf(work);
    expect({ version, locktime, sequence: inputs[0]?.sequence }).toEqual({
      ...{ version: template.coinbaseTxVersion, locktime: HEIGHT - 1, sequence: template.coinbaseTxInputSequence },
    });
    const script = Buffer.from(inputs[0]!.script);
    expect(script.subarray(0, 4)).toEqual(Buffer.from(template.coinbasePrefix));
    expect(script.toString('latin1')).toContain('/Sluice/');
    expect(script.subarray(-20)).toEqual(Buffer.concat([PREFIX, new Uint8Array(12).fill(0x33)]));
    expect(outputs).toHaveLength(2);
    expect(outputs[0]).toEqual({ value: 5_000_000_007n, script: Buffer.from(SCRIPT) });
    expect(outputs[1]?.value).toBe(0n);
    expect(work.merklePath).toEqual(siblings);
  });

  it('takes a better template of the tip at once, as another job with the time that has passed', () => {
    const solo = soloWork();
    solo.addTemplate(newTemplate(1), 0);
    solo.setNewPrevHash(newBlock(1, 0xa1), 1_000);
    const first = solo.work!;
    solo.addTemplate(newTemplate(2, { futureTemplate: false }), 31_500);
    const second = solo.work!;
    expect([first.minNtime, second.minNtime]).toEqual([TIME, TIME + 30]);
    expect(second.jobId).not.toBe(first.jobId);
    expect(coinbaseOf(second).txid).not.toEqual(coinbaseOf(first).txid);
  });

  it('keeps to the time of the server where the target depends on it', () => {
    const solo = soloWork('testnet4');
    solo.addTemplate(newTemplate(1), 0);
    solo.setNewPrevHash(newBlock(1, 0xa1, { nBits: HARD_NBITS }), 0);
    solo.addTemplate(newTemplate(2, { futureTemplate: false }), 3_000_000);
    expect(solo.work?.minNtime).toBe(TIME);
  });

  it('voids with a tip every template but the one that it names', () => {
    const solo = soloWork();
    for (const id of [1, 2, 3]) solo.addTemplate(newTemplate(id), 0);
    expect(solo.setNewPrevHash(newBlock(2, 0xa1), 0)).toBeUndefined();
    expect(solo.setNewPrevHash(newBlock(3, 0xa2), 0)).toBe('names a template that was not sent');
  });

  it('forgets the oldest of too many templates', () => {
    const solo = soloWork();
    for (let id = 1; id <= TEMPLATES_BOUND + 1; id += 1) solo.addTemplate(newTemplate(id), 0);
    expect(solo.setNewPrevHash(newBlock(1, 0xa1), 0)).toBe('names a template that was not sent');
  });

  it.each<[string, Partial<NewTemplate>]>([
    ['template_id does not grow', { templateId: 1n }],
    ['coinbase_prefix does not begin with a height', { coinbasePrefix: new Uint8Array(0) }],
    ['coinbase_prefix does not begin with a height', { coinbasePrefix: new Uint8Array(9).fill(1) }],
    ['coinbase_tx_outputs are not so many outputs', { coinbaseTxOutputsCount: 2 }],
    ['coinbase_tx_outputs are not so many outputs', { coinbaseTxOutputsCount: 0xffff_ffff }],
    [
      'an active template that is not for the present tip',
      { futureTemplate: false, coinbasePrefix: Uint8Array.of(0x51) },
    ],
  ])('refuses a template: %s', (fault, changes) => {
    const solo = soloWork();
    solo.addTemplate(newTemplate(1), 0);
    solo.setNewPrevHash(newBlock(1, 0xa1), 0);
    const { work } = solo;
    expect(solo.addTemplate(newTemplate(2, changes), 0)).toBe(fault);
    expect(solo.work).toBe(work);
  });

  it('refuses a tip whose target is none, or none of the network of the payout', () => {
    const solo = soloWork('mainnet');
    solo.addTemplate(newTemplate(1), 0);
    expect(solo.setNewPrevHash(newBlock(1, 0xa1, { nBits: 0 }), 0)).toBe('nBits is no target');
    solo.addTemplate(newTemplate(2), 0);
    expect(solo.setNewPrevHash(newBlock(2, 0xa1), 0)).toMatch(/mainnet does not have/);
    solo.addTemplate(newTemplate(3), 0);
    expect(solo.setNewPrevHash(newBlock(3, 0xa1, { nBits: HARD_NBITS }), 0)).toBeUndefined();
  });

  it('makes of a share a solution from which the server comes to the same block', () => {
    const solo = soloWork();
    const template = newTemplate(7, { merklePath: siblings });
    solo.addTemplate(template, 0);
    solo.setNewPrevHash(newBlock(7, 0xa1), 0);
    const work = solo.work!;
    const extranonce = new Uint8Array(work.extranonceSize).fill(9);
    const share = { work, extranonce, nonce: 0, ntime: TIME + 3, version: 0x2000_2000, worker: undefined };
    while (!meetsTarget(hashOf(share), targetToBytes(work.target.value))) share.nonce += 1;
    const block = solo.blockOf(share)!;
    expect(block).toMatchObject({ height: HEIGHT, prevHash: work.prevHash, hash: hashOf(share) });
    const { templateId, version, headerTimestamp, headerNonce, coinbaseTx } = block.solution;
    expect(templateId).toBe(7n);
    const coinbase = decodeTransaction(coinbaseTx)!;
    // With its witness, which the block needs and the miner does not hash.
    expect(coinbase.inputs[0]?.witness).toEqual([new Uint8Array(32)]);
    const merkleRoot = foldMerklePath(coinbase.txid, template.merklePath);
    const { prevHash, nbits } = work;
    const header = { version, prevHash, merkleRoot, ntime: headerTimestamp, nbits, nonce: headerNonce };
    expect(sha256d(encodeHeader(header))).toEqual(block.hash);
    // Of another connection's work nothing can be told.
    expect(soloWork().blockOf(share)).toBeUndefined();
  });
});

it('asks for the room of its one output', () => {
  expect(constraintsOf({ script: SCRIPT, network: 'mainnet' })).toEqual({ outputsSize: 31, outputsSigops: 0 });
});
