// `node test/load/compare/pool-floor-server.ts PORT ZMQ`: what Node's sockets and the cipher cost a pool of Stratum V2 at a new tip, whatever else it does. Each
// connection gets a standard channel and a job; when the node announces a block its SetNewPrevHash is sealed for each and written, all in one loop.
// There is no next job, and no share is looked at.
import { createServer } from 'node:net';
import { sha256d } from '@sluice/bitcoin/hash';
import { generateSecret } from '@sluice/noise/ec';
import { randomBytes } from '@sluice/runtime/random';
import { encodeFrame } from '@sluice/sv2/frames';
import { decodePayload } from '@sluice/sv2/message';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { OpenStandardMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-standard-mining-channel-success';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { subscribeToBlocks } from '@sluice/template-provider/bitcoind/block-announcements';
import { NoiseSocket, type RawFrame } from '../../support/noise-socket.ts';

/** The only ones of a connection. */
const CHANNEL_ID = 2;
const JOB_ID = 16;
const NBITS = 0x207f_ffff;
const miners = new Set<NoiseSocket>();

const tipOf = (prevHash: Uint8Array): Uint8Array => {
  const minNtime = Math.floor(Date.now() / 1_000);
  return encodeFrame(SetNewPrevHash, { channelId: CHANNEL_ID, jobId: JOB_ID, prevHash, minNtime, nbits: NBITS });
};
const job = encodeFrame(NewMiningJob, {
  ...{ channelId: CHANNEL_ID, jobId: JOB_ID, minNtime: undefined, version: 0x2000_0000 },
  merkleRoot: new Uint8Array(32),
});
let tip = tipOf(new Uint8Array(32));

function answer(miner: NoiseSocket, { msgType, payload }: RawFrame): void {
  if (msgType === SetupConnection.type) {
    miner.sendFrame(encodeFrame(SetupConnectionSuccess, { usedVersion: 2, flags: 0 }));
  } else if (msgType === OpenStandardMiningChannel.type) {
    const open = decodePayload(OpenStandardMiningChannel, payload);
    if (!open.ok) return;
    const { requestId, maxTarget: target } = open.value;
    const ids = { requestId, channelId: CHANNEL_ID, groupChannelId: 1 };
    const extranoncePrefix = randomBytes(20);
    miner.sendFrame(encodeFrame(OpenStandardMiningChannelSuccess, { ...ids, target, extranoncePrefix }));
    miner.sendFrame(job);
    miner.sendFrame(tip);
    miners.add(miner);
  }
}

const [port, zmq = ''] = process.argv.slice(2);
subscribeToBlocks(zmq, {
  onHeader(header) {
    tip = tipOf(sha256d(header));
    for (const miner of miners) miner.sendFrame(tip);
  },
  onHash: () => undefined,
  onFailure: (error) => console.error(error),
});
const secret = generateSecret(randomBytes);
const server = createServer((socket) => {
  const accepted = NoiseSocket.accept(socket, secret, (frame) => void accepted.then((miner) => answer(miner, frame)));
  accepted.then(
    (miner) => miner.onClose(() => miners.delete(miner)),
    () => undefined,
  );
});
server.listen(Number(port), '127.0.0.1');
