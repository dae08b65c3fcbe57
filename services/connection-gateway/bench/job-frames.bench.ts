// What a tip and a job cost each connection before its socket: the frame and its sealing, beside the generic encoder with the reference
// cipher. The bytes of both are compared before anything is timed.
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import type { ExtendedJob, Tip } from '@sluice/mining/job';
import type { AeadBackend } from '@sluice/noise/aead';
import { CipherState } from '@sluice/noise/cipher-state';
import { nobleAead } from '@sluice/noise/noble-aead';
import { NoiseWriter } from '@sluice/noise/transport';
import { wasmAead } from '@sluice/noise/wasm-aead';
import { OutboundTick, SocketWriter } from '@sluice/server/socket-writer';
import { encodeFrame } from '@sluice/sv2/frames';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { bench, group, run } from 'mitata';
import { createCounters } from '../src/counters.ts';
import { JobWriter } from '../src/job-writer.ts';

const CONNECTIONS = 1_000;
const hash = (fill: number) => new Uint8Array(32).fill(fill);
const job: ExtendedJob = {
  jobId: 16,
  height: 900_000,
  version: 0x20000000,
  versionRollingAllowed: true,
  merklePath: Array.from({ length: 12 }, (_, level) => hash(level)),
  coinbasePrefix: new Uint8Array(60).fill(1),
  coinbaseSuffix: new Uint8Array(120).fill(2),
  provider: 'bench',
  templateId: 1n,
};
const tip: Tip = { feed: 1, prevHash: hash(9), nbits: 0x17000000, minNtime: 1_700_000_000, networkTarget: hash(0) };
const root = wasmSha256d.sha256d(hash(3));
const MIN_NTIME = 1_700_000_001;

/** Keeps the bytes of the first connections for the comparison, and nothing while it is timed. */
class Sink extends Writable {
  kept: Buffer[] | undefined = [];
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.kept?.push(Buffer.from(chunk));
    done();
  }
}

const sealer = (aead: AeadBackend, connection: number) =>
  new NoiseWriter(new CipherState(aead, new Uint8Array(32).fill(connection + 1)));

function fast() {
  const tick = new OutboundTick();
  const jobs = new JobWriter(createCounters());
  const aead = wasmAead();
  const sinks = Array.from({ length: CONNECTIONS }, () => new Sink());
  const writers = sinks.map((sink, connection) => {
    const writer = new SocketWriter(sink, tick, 2 ** 30, () => assert.fail('a writer is full'));
    writer.startSealing(sealer(aead, connection));
    return writer;
  });
  const each = (write: (writer: SocketWriter, channelId: number) => void) => () => {
    for (let connection = 0; connection < CONNECTIONS; connection += 1) {
      const writer = writers[connection]!;
      write(writer, connection + 2);
      writer.flush();
    }
  };
  return {
    sinks,
    tip: each((writer, channelId) => jobs.tip(writer, channelId, job.jobId, tip)),
    extended: each((writer, channelId) => jobs.extendedJob(writer, channelId, job, job.jobId, MIN_NTIME)),
    standard: each((writer, channelId) => jobs.standardJob(writer, channelId, job, job.jobId, MIN_NTIME, root)),
  };
}

function reference() {
  const sinks = Array.from({ length: CONNECTIONS }, () => new Sink());
  const sealers = sinks.map((_, connection) => sealer(nobleAead, connection));
  const each = (encode: (channelId: number) => Uint8Array) => () => {
    for (let connection = 0; connection < CONNECTIONS; connection += 1) {
      const frame = encode(connection + 2);
      const out = Buffer.alloc(sealers[connection]!.sealedLength(frame.length));
      sealers[connection]!.seal(frame, out, 0);
      sinks[connection]!.write(out);
    }
  };
  const { jobId, version, versionRollingAllowed, merklePath } = job;
  const fields = { jobId, minNtime: MIN_NTIME, version };
  return {
    sinks,
    tip: each((channelId) => encodeFrame(SetNewPrevHash, { ...tip, channelId, jobId })),
    extended: each((channelId) =>
      encodeFrame(NewExtendedMiningJob, {
        ...fields,
        channelId,
        versionRollingAllowed,
        merklePath: [...merklePath],
        coinbaseTxPrefix: job.coinbasePrefix,
        coinbaseTxSuffix: job.coinbaseSuffix,
      }),
    ),
    standard: each((channelId) => encodeFrame(NewMiningJob, { ...fields, channelId, merkleRoot: root })),
  };
}

const ways = { fast: fast(), reference: reference() };
for (const kind of ['tip', 'extended', 'standard'] as const) {
  for (const way of Object.values(ways)) way[kind]();
  for (let connection = 0; connection < CONNECTIONS; connection += 1) {
    const [ours, theirs] = [ways.fast, ways.reference].map(({ sinks }) => Buffer.concat(sinks[connection]!.kept!));
    assert.deepEqual(ours, theirs);
  }
}
for (const { sinks } of Object.values(ways)) for (const sink of sinks) sink.kept = undefined;

for (const [kind, title] of [
  ['tip', 'SetNewPrevHash'],
  ['extended', 'NewExtendedMiningJob, 12-level path'],
  ['standard', 'NewMiningJob'],
] as const) {
  group(`${title} to ${CONNECTIONS} connections`, () => {
    bench('fast', ways.fast[kind]);
    bench('reference', ways.reference[kind]);
  });
}

if (!process.argv.includes('--check')) await run();
