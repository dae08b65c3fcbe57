// No input makes the SV2 side throw: it is answered, ignored or the end of its connection, and nobody else's.
import { duplexPair } from 'node:stream';
import { encodeFrame, FRAME_HEADER_SIZE } from '@sluice/sv2/frames';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { RequestExtensions } from '@sluice/sv2/messages/extensions/request-extensions';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { SetTarget } from '@sluice/sv2/messages/mining/set-target';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesStandard } from '@sluice/sv2/messages/mining/submit-shares-standard';
import { UpdateChannel } from '@sluice/sv2/messages/mining/update-channel';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EASIEST, type Sv2Miner, setupConnection } from './support/sv2-miner.ts';
import { TestSv2Server } from './support/test-sv2-server.ts';

const UNBOUNDED = { messagesPerSecond: 1e9, messagesPerSecondPerAddress: 1e9 };
const u32 = fc.oneof(fc.nat(5), fc.constant(0xffff_ffff), fc.nat(0xffff_ffff));
const target = fc.oneof(fc.constant(EASIEST), fc.uint8Array({ minLength: 32, maxLength: 32 }));
const identity = fc.oneof(fc.constant('farm.rig'), fc.string({ maxLength: 40 }));
const nominalHashRate = fc.oneof(fc.constant(1e12), fc.float());

const share = { channelId: u32, sequenceNumber: u32, jobId: u32, nonce: u32, ntime: u32, version: u32 };
const opening = { requestId: u32, userIdentity: identity, nominalHashRate, maxTarget: target };
const message = fc.oneof(
  fc.record(share).map((value) => encodeFrame(SubmitSharesStandard, value)),
  fc
    .record({ ...share, extranonce: fc.uint8Array({ maxLength: 32 }) })
    .map((value) => encodeFrame(SubmitSharesExtended, value)),
  fc.record(opening).map((value) => encodeFrame(OpenStandardMiningChannel, value)),
  fc
    .record({ ...opening, minExtranonceSize: fc.nat(40) })
    .map((value) => encodeFrame(OpenExtendedMiningChannel, value)),
  fc
    .record({ channelId: u32, nominalHashRate, maximumTarget: target })
    .map((value) => encodeFrame(UpdateChannel, value)),
  fc
    .record({ channelId: u32, reasonCode: fc.string({ maxLength: 20 }) })
    .map((value) => encodeFrame(CloseChannel, value)),
  fc.nat(7).map((flags) => encodeFrame(SetupConnection, setupConnection(flags))),
  fc
    .record({ requestId: fc.nat(0xffff), requestedExtensions: fc.array(fc.nat(0xffff), { maxLength: 20 }) })
    .map((value) => encodeFrame(RequestExtensions, value)),
  // One of servers.
  fc
    .record({ channelId: u32, jobId: u32, prevHash: target, minNtime: u32, nbits: u32 })
    .map((value) => encodeFrame(SetNewPrevHash, value)),
);

/** A frame as it should be, or one with a byte changed, cut off, lengthened, or with a header that does not fit. */
const frame = fc.oneof(
  { weight: 3, arbitrary: message },
  fc.tuple(message, fc.nat(), fc.nat(255)).map(([bytes, at, value]) => {
    const changed = Uint8Array.from(bytes);
    changed[FRAME_HEADER_SIZE + (at % (bytes.length - FRAME_HEADER_SIZE))] = value;
    return changed;
  }),
  fc
    .tuple(message, fc.nat())
    .map(([bytes, at]) => withLength(bytes.slice(0, FRAME_HEADER_SIZE + (at % (bytes.length - FRAME_HEADER_SIZE))))),
  fc
    .tuple(message, fc.uint8Array({ maxLength: 100 }))
    .map(([bytes, more]) => withLength(Uint8Array.of(...bytes, ...more))),
  fc
    .tuple(message, fc.uint8Array({ minLength: 3, maxLength: 3 }))
    .map(([bytes, name]) => Uint8Array.of(...name, ...bytes.slice(3))),
  // Sealed as it stands, with a header that announces any other length.
  fc.tuple(message, fc.nat(0xff_ffff)).map(([bytes, length]) => withLength(Uint8Array.from(bytes), length)),
);

function withLength(bytes: Uint8Array, length = bytes.length - FRAME_HEADER_SIZE): Uint8Array {
  for (const [place, shift] of [0, 8, 16].entries()) bytes[3 + place] = length >>> shift;
  return bytes;
}

let server: TestSv2Server;
let bystander: Sv2Miner;
let channelId: number;
let blocks = 1;

beforeEach(async () => {
  server = new TestSv2Server(UNBOUNDED);
  bystander = await server.miner();
  ({ channelId } = await bystander.openExtended());
  await bystander.skip(2);
});
afterEach(() => server.stop());

const turn = async () => {
  for (let count = 0; count < 4; count += 1) await new Promise((resolve) => setImmediate(resolve));
};
const newTip = () => {
  blocks += 1;
  server.fake.farm.setWork(0, server.upstream.work(blocks, blocks));
};

/** Whoever else has sent what: this one is answered, and works on. */
async function goesOn(): Promise<void> {
  bystander.received.length = 0;
  bystander.send(UpdateChannel, { channelId, nominalHashRate: 1e12, maximumTarget: EASIEST });
  expect((await bystander.expect(SetTarget)).channelId).toBe(channelId);
  newTip();
  expect((await bystander.expect(NewExtendedMiningJob)).channelId).toBe(channelId);
  expect(server.counters.closed['handler-failed']).toBe(0);
}

/** The peer leaves, and all that it had is given back. */
async function leaves(socket: { destroy(): unknown }): Promise<void> {
  socket.destroy();
  await turn();
  expect([server.server.connections.size, server.fake.farm.miners]).toEqual([1, 1]);
}

test('any frames on a connection with channels of both kinds, with new tips between them', async () => {
  let ended = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(frame, fc.nat(9)), { maxLength: 30 }), async (frames) => {
      const miner = await server.miner();
      await miner.openExtended();
      await miner.skip(2);
      await miner.openStandard();
      for (const [bytes, what] of frames) {
        if (miner.closed) break;
        miner.sendFrame(bytes);
        if (what === 0) newTip();
        if (what < 3) await turn();
      }
      await turn();
      if (miner.closed) ended += 1;
      await goesOn();
      await leaves(miner.socket);
    }),
    { numRuns: 80 },
  );
  // Both ends are met.
  expect(ended).toBeGreaterThan(10);
  expect(ended).toBeLessThan(75);
});

test('any frame instead of SetupConnection', async () => {
  await fc.assert(
    fc.asyncProperty(frame, async (bytes) => {
      const miner = await server.connect();
      miner.sendFrame(bytes);
      await turn();
      await goesOn();
      await leaves(miner.socket);
    }),
    { numRuns: 50 },
  );
});

test('any bytes instead of a sealed frame, or behind one', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 5 }),
      fc.boolean(),
      async (chunks, first) => {
        const miner = await server.miner();
        if (!first) await miner.openStandard();
        for (const chunk of chunks) miner.socket.write(chunk);
        await turn();
        if (chunks.flatMap((chunk) => [...chunk]).length >= 22) expect(miner.closed).toBe(true);
        await goesOn();
        await leaves(miner.socket);
      },
    ),
    { numRuns: 50 },
  );
});

test('any bytes instead of a handshake', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), async (chunks) => {
      const [near, far] = duplexPair();
      far.on('error', () => undefined).resume();
      server.server.accept(near, '192.0.2.1');
      for (const chunk of chunks) far.write(chunk);
      await turn();
      await goesOn();
      await leaves(far);
    }),
    { numRuns: 50 },
  );
});
