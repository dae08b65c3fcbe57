// `node test/load/compare/pool-floor-server.ts PORT ZMQ`: what Node's sockets and the cipher cost a pool of Stratum V2, whatever else it does. Each connection
// gets a standard channel and a job. Each share is decrypted and answered at once, as good as it may be; nothing of it is kept. When the node announces a
// block its SetNewPrevHash is sealed for each connection and written, all in one loop; there is no next job.
import { createServer } from 'node:net';
import { sha256d } from '@sluice/bitcoin/hash';
import { generateSecret } from '@sluice/noise/ec';
import { randomBytes } from '@sluice/runtime/random';
import { shareSequenceNumber } from '@sluice/sv2/fast/submit-shares';
import { SUBMIT_SHARES_SUCCESS_FRAME_SIZE, writeSubmitSharesSuccess } from '@sluice/sv2/fast/submit-shares-success';
import { encodeFrame } from '@sluice/sv2/frames';
import { decodePayload } from '@sluice/sv2/message';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { OpenStandardMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-standard-mining-channel-success';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { SubmitSharesStandard } from '@sluice/sv2/messages/mining/submit-shares-standard';
import { subscribeToBlocks } from '@sluice/template-provider/bitcoind/block-announcements';
import { NoiseSocket } from '../../support/noise-socket.ts';

/** The only ones of a connection. */
const CHANNEL_ID = 2;
const JOB_ID = 16;
const NBITS = 0x207f_ffff;

interface Miner {
  readonly socket: NoiseSocket;
  /** That were read together and have no answer yet. */
  shares: number;
  lastSequence: number;
}

const miners = new Set<Miner>();

const tipOf = (prevHash: Uint8Array): Uint8Array => {
  const minNtime = Math.floor(Date.now() / 1_000);
  return encodeFrame(SetNewPrevHash, { channelId: CHANNEL_ID, jobId: JOB_ID, prevHash, minNtime, nbits: NBITS });
};
const job = encodeFrame(NewMiningJob, {
  ...{ channelId: CHANNEL_ID, jobId: JOB_ID, minNtime: undefined, version: 0x2000_0000 },
  merkleRoot: new Uint8Array(32),
});
const success = new Uint8Array(SUBMIT_SHARES_SUCCESS_FRAME_SIZE);
let tip = tipOf(new Uint8Array(32));

function answer(miner: Miner, msgType: number, payload: Uint8Array): void {
  const { socket } = miner;
  if (msgType === SubmitSharesStandard.type) {
    miner.lastSequence = shareSequenceNumber(payload, 0);
    miner.shares += 1;
    if (miner.shares === 1) process.nextTick(acknowledge, miner);
  } else if (msgType === SetupConnection.type) {
    socket.sendFrame(encodeFrame(SetupConnectionSuccess, { usedVersion: 2, flags: 0 }));
  } else if (msgType === OpenStandardMiningChannel.type) {
    const open = decodePayload(OpenStandardMiningChannel, payload);
    if (!open.ok) return;
    const { requestId, maxTarget: target } = open.value;
    const ids = { requestId, channelId: CHANNEL_ID, groupChannelId: 1 };
    const extranoncePrefix = randomBytes(20);
    socket.sendFrame(encodeFrame(OpenStandardMiningChannelSuccess, { ...ids, target, extranoncePrefix }));
    socket.sendFrame(job);
    socket.sendFrame(tip);
    miners.add(miner);
  }
}

function acknowledge(miner: Miner): void {
  const { socket, shares, lastSequence } = miner;
  miner.shares = 0;
  writeSubmitSharesSuccess(success, 0, CHANNEL_ID, lastSequence, shares, BigInt(shares));
  socket.sendFrame(success);
}

const [port, zmq = ''] = process.argv.slice(2);
subscribeToBlocks(zmq, {
  onHeader(header) {
    tip = tipOf(sha256d(header));
    for (const { socket } of miners) socket.sendFrame(tip);
  },
  onHash: () => undefined,
  onFailure: (error) => console.error(error),
});
const secret = generateSecret(randomBytes);
const server = createServer((socket) => {
  let miner: Miner | undefined;
  NoiseSocket.acceptLent(socket, secret, (_, msgType, payload) => {
    if (miner !== undefined) answer(miner, msgType, payload);
  }).then(
    (accepted) => {
      const connected = { socket: accepted, shares: 0, lastSequence: 0 };
      miner = connected;
      accepted.onClose(() => miners.delete(connected));
    },
    () => undefined,
  );
});
server.listen(Number(port), '127.0.0.1');
