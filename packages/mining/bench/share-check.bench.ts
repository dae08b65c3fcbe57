// Validation of a share, fast beside the readable reference, on the same inputs; answers are compared before anything is timed.
import assert from 'node:assert/strict';
import { RawOldTx, RawOutput } from '@scure/btc-signer/script.js';
import { sha256d } from '@sluice/bitcoin/hash';
import type { HashedHeader } from '@sluice/bitcoin/header-lanes';
import { nobleSha256d } from '@sluice/bitcoin/sha256d';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import { bench, group, run } from 'mitata';
import { buildJobCoinbase, emptyTemplate } from '../src/build-job.ts';
import { MiningChannel } from '../src/channel.ts';
import { ShareChecker } from '../src/share-check.ts';
import { ShareLanes, type WaitingShare } from '../src/share-lanes.ts';
import { ShareOutcome, shareErrorCodes } from '../src/share-outcome.ts';
import { shareTarget } from '../src/share-target.ts';
import { referenceCheck } from '../test/reference-check.ts';
import { job, NOW, NOW_MS, tip } from '../test/work.ts';

// Half of all hashes are shares: accepted and refused ones are timed alike, and the filter grows as in earnest.
const target = 1n << 255n;
const work = job(16, 12);
const on = tip(1);
const VERSION = 0x20000000;
const SHARES = 4_096;

function subject(kind: 'standard' | 'extended') {
  const prefix = new Uint8Array(kind === 'standard' ? 20 : 7).fill(3);
  const extranonce = new Uint8Array(20 - prefix.length).fill(9);
  const channel = () => {
    const made = new MiningChannel({ kind, extranoncePrefix: prefix, target: shareTarget(target) });
    made.tipSent(work, on, NOW_MS);
    return made;
  };
  return { prefix, extranonce, channel };
}

for (const kind of ['standard', 'extended'] as const) {
  const { prefix, extranonce, channel } = subject(kind);
  const checkers = [wasmSha256d, nobleSha256d].map((backend) => ({
    name: backend.name,
    checker: new ShareChecker(backend),
  }));
  for (const { checker } of checkers) {
    const fast = channel();
    const seen = new Set<string>();
    for (let nonce = 0; nonce < 500; nonce += 1) {
      const share = { nonce: nonce % 400, ntime: NOW, version: VERSION, extranonce };
      const expected = referenceCheck({ job: work, tip: on, late: false, target, prefix, seen }, share, NOW);
      const outcome = checker.check(fast, 16, share.nonce, NOW, VERSION, extranonce, 0, extranonce.length, NOW_MS);
      assert.equal(outcome === ShareOutcome.accepted ? 'accepted' : shareErrorCodes[outcome], expected.outcome);
    }
  }
  group(
    `${SHARES} shares of ${kind === 'standard' ? 'a standard channel' : 'an extended channel, 12-level path'}`,
    () => {
      for (const { name, checker } of checkers) {
        bench(`${kind}, fast, ${name}`, () => {
          const fresh = channel();
          for (let nonce = 0; nonce < SHARES; nonce += 1) {
            checker.check(fresh, 16, nonce, NOW, VERSION, extranonce, 0, extranonce.length, NOW_MS);
          }
        });
      }
      bench(`${kind}, reference`, () => {
        const seen = new Set<string>();
        const given = { job: work, tip: on, late: false, target, prefix, seen };
        for (let nonce = 0; nonce < SHARES; nonce += 1)
          referenceCheck(given, { nonce, ntime: NOW, version: VERSION, extranonce }, NOW);
      });
    },
  );
}

type Judge = (nonce: number, extranonce: Uint8Array, ahead?: HashedHeader) => void;

class WaitingBenchShare implements WaitingShare {
  nonce = 0;
  readonly extranonce = new Uint8Array(13);
  readonly #judge: Judge;

  constructor(judge: Judge) {
    this.#judge = judge;
  }

  judge(ahead: HashedHeader | undefined): void {
    this.#judge(this.nonce, this.extranonce, ahead);
  }
}

/** Judges so many shares of a channel, of an extended one each with another extranonce; in lanes by fours, as they come in one read. */
function judgeOf(kind: 'standard' | 'extended'): (count: number, isInLanes: boolean) => readonly number[] {
  const { prefix, extranonce, channel } = subject(kind);
  const checker = new ShareChecker(wasmSha256d);
  const size = extranonce.length;
  let outcomes: number[] = [];
  let fresh = channel();
  const judge: Judge = (nonce, from, ahead) =>
    outcomes.push(checker.check(fresh, 16, nonce, NOW, VERSION, from, 0, size, NOW_MS, true, ahead));
  const lanes = new ShareLanes(
    () => new WaitingBenchShare(judge),
    () => undefined,
  );
  return (count, isInLanes) => {
    outcomes = [];
    fresh = channel();
    // As for the message that a standard channel is told it by.
    if (kind === 'standard') fresh.rootOf(work, wasmSha256d);
    for (let nonce = 0; nonce < count; nonce += 1) {
      if (size > 0) extranonce[0] = nonce;
      const share = isInLanes ? lanes.place(fresh, 16, size) : undefined;
      if (share === undefined) judge(nonce, extranonce);
      else {
        share.nonce = nonce;
        share.extranonce.set(extranonce);
        lanes.add(nonce, NOW, VERSION, prefix, extranonce, 0);
      }
    }
    lanes.flush();
    return outcomes;
  };
}

for (const kind of ['standard', 'extended'] as const) {
  const shares = judgeOf(kind);
  assert.deepEqual(shares(500, true), shares(500, false));
  group(
    `${SHARES} shares of ${kind === 'standard' ? 'a standard' : 'an extended'} channel that were read together`,
    () => {
      bench(`${kind}, in lanes`, () => shares(SHARES, true));
      bench(`${kind}, one by one`, () => shares(SHARES, false));
    },
  );
}

const template = emptyTemplate(800_000, 'mainnet');
const pool = { payouts: [{ script: new Uint8Array(22), weight: 1 }], tag: Buffer.from('/sluice/') };
/** Behind the tag stands the id of the job, 16. */
const tag = Buffer.concat([pool.tag, Uint8Array.of(16, 0, 0, 0)]);
const EXTRANONCE = new Uint8Array(20);
const commitment = RawOutput.decode(template.coinbaseOutputs);

/** The same coinbase by the encoder of @scure/btc-signer. */
function referenceCoinbase(): Uint8Array {
  const script = Buffer.concat([
    template.coinbasePrefix,
    Uint8Array.of(tag.length),
    tag,
    Uint8Array.of(EXTRANONCE.length),
    EXTRANONCE,
  ]);
  return RawOldTx.encode({
    version: template.coinbaseTxVersion,
    inputs: [
      { txid: new Uint8Array(32), index: 0xffffffff, finalScriptSig: script, sequence: template.coinbaseSequence },
    ],
    outputs: [{ amount: template.coinbaseValue, script: new Uint8Array(22) }, commitment],
    lockTime: template.coinbaseLocktime,
  });
}

const { coinbasePrefix, coinbaseSuffix } = buildJobCoinbase(template, 16, pool);
assert.deepEqual(Buffer.concat([coinbasePrefix, EXTRANONCE, coinbaseSuffix]), Buffer.from(referenceCoinbase()));
group('coinbase of a job', () => {
  bench('coinbase, ours', () => buildJobCoinbase(template, 16, pool));
  bench('coinbase, reference', referenceCoinbase);
});

const standard = subject('standard');
const other = job(32, 12);
/** The plain definition: the hash of the coinbase, then of it with each hash of the path. */
const referenceRoot = () =>
  other.merklePath.reduce(
    (node, sibling) => sha256d(Buffer.concat([node, sibling])),
    sha256d(Buffer.concat([other.coinbasePrefix, standard.prefix, other.coinbaseSuffix])),
  );
assert.deepEqual(standard.channel().rootOf(other, wasmSha256d), referenceRoot());
group('standard job of a channel: merkle root of a 12-level path', () => {
  bench('root, as-sha256', () => standard.channel().rootOf(other, wasmSha256d));
  bench('root, reference', referenceRoot);
});

if (!process.argv.includes('--check')) await run();
