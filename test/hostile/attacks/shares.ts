// Shares as fast as they go out: good ones, the same one again, and such as cannot be good.
import { setTimeout as sleep } from 'node:timers/promises';
import { miningClientFlags } from '@sluice/sv2/flags';
import { encodeFrame } from '@sluice/sv2/frames';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { SubmitSharesError } from '@sluice/sv2/messages/mining/submit-shares-error';
import { SubmitSharesStandard } from '@sluice/sv2/messages/mining/submit-shares-standard';
import { UpdateChannel } from '@sluice/sv2/messages/mining/update-channel';
import type { TestMiner } from '../../../services/connection-gateway/test/support/test-miner.ts';
import { Sv2Client } from '../../support/sv2-client.ts';
import { type Attack, type Attacker, ended } from '../attack.ts';

/** Frames of one turn of the loop: the sockets' answers are read in between. */
const BURST = 200;
/** Shares in flight, and hashes for one of them. */
const MAX_WAITING = 20_000;
const MAX_HASHES = 1_000;
/** Bytes that may wait in the attacker's own memory. */
const WAITING_BYTES = 1_048_576;
const OVER_AN_HOUR = 4_000;
const NONE = 4_000_000_000;

interface Channel {
  readonly miner: TestMiner;
  readonly channelId: number;
  /** Of the last tip. */
  jobId: number;
  minNtime: number;
  version: number;
  /** Jobs of tips before. */
  readonly old: number[];
}

/** With a channel and its first work; what comes later is for `note`. */
async function working(attacker: Attacker): Promise<Channel | undefined> {
  const miner = await attacker.shakeHands(attacker.plan.address);
  if (miner === undefined) return undefined;
  await miner.setup(miningClientFlags.REQUIRES_STANDARD_JOBS);
  const { channelId } = await miner.openStandard({ nominalHashRate: 1 });
  const channel: Channel = { miner, channelId, jobId: 0, minNtime: 0, version: 0, old: [] };
  while (channel.minNtime === 0) note(attacker, channel, await miner.next());
  return channel;
}

function note(attacker: Attacker, channel: Channel, { declared, value }: Awaited<ReturnType<TestMiner['next']>>): void {
  if (declared === NewMiningJob) channel.version = Number(value.version);
  else if (declared === SetNewPrevHash) {
    if (channel.jobId !== 0) channel.old.push(channel.jobId);
    channel.jobId = Number(value.jobId);
    channel.minNtime = Number(value.minNtime);
  } else if (declared === SubmitSharesError) attacker.saw(String(value.errorCode));
}

/** Sends what `next` makes as fast as the socket takes it, until the connection ends. */
async function flood(attacker: Attacker, next: (channel: Channel, sequence: number) => Uint8Array): Promise<void> {
  const channel = await working(attacker);
  if (channel === undefined) return;
  const { miner } = channel;
  for (let sequence = 1; !miner.closed && !attacker.stopped; ) {
    for (let frames = 0; frames < BURST && miner.socket.writableLength < WAITING_BYTES; frames++, sequence++) {
      miner.sendFrame(next(channel, sequence));
      attacker.saw('sent');
    }
    await sleep(1);
    for (const message of miner.received.splice(0)) note(attacker, channel, message);
  }
  await ended(miner.socket);
}

const share = ({ channelId, jobId, minNtime, version }: Channel, sequenceNumber: number, nonce: number) => ({
  ...{ channelId, sequenceNumber, jobId, nonce, ntime: Math.max(minNtime, Math.floor(Date.now() / 1_000)), version },
});
const frame = (fields: ReturnType<typeof share>) => encodeFrame(SubmitSharesStandard, fields);

const flooding = (next: (channel: Channel, sequence: number) => Uint8Array): Attack => {
  return (attacker) => attacker.keep(attacker.plan.connections, () => flood(attacker, next));
};

/** Found by hashing, as fast as it goes. */
export const validShares: Attack = (attacker) =>
  attacker.keep(attacker.plan.connections, async () => {
    const { port, authorityKey, address: localAddress } = attacker.plan;
    const onAcknowledged = () => attacker.saw('acknowledged');
    const client = await Sv2Client.connect({ ...{ port, authorityKey, localAddress }, onAcknowledged });
    const channel = await client.openStandard({ identity: 'attacker.valid', hashRate: 1 });
    while (client.isOpen && !attacker.stopped) {
      for (let shares = 0; shares < BURST && channel.waiting < MAX_WAITING; shares++) {
        const share = channel.find('share-no-block', MAX_HASHES);
        if (share === undefined) break;
        client.submit(channel, share);
        attacker.saw('sent');
      }
      await sleep(1);
    }
    await client.close();
  });

export const duplicateShares = flooding((channel, sequence) =>
  frame({ ...share(channel, sequence, 1), ntime: channel.minNtime }),
);

/** A version that may not be rolled like that. */
export const invalidShares = flooding((channel, sequence) =>
  frame({ ...share(channel, sequence, sequence), version: (channel.version ^ 0x8000_0000) >>> 0 }),
);

/** An hour fast, and an hour slow, in turns. */
export const skewedClocks = flooding((channel, sequence) => {
  const good = share(channel, sequence, sequence);
  return frame({ ...good, ntime: good.ntime + (sequence % 2 === 0 ? OVER_AN_HOUR : -OVER_AN_HOUR) });
});

/** Of the tips before; until there is one, a job that nobody was given. */
export const oldJobs = flooding((channel, sequence) => {
  const jobId = channel.old[sequence % channel.old.length] ?? NONE;
  return frame({ ...share(channel, sequence, sequence), jobId });
});

const EASIEST = new Uint8Array(32).fill(0xff);

/** Shares, changes and ends of channels that there are not. */
export const wrongChannels = flooding((channel, sequence) => {
  const channelId = NONE + sequence;
  switch (sequence % 3) {
    case 0:
      return frame({ ...share(channel, sequence, sequence), channelId });
    case 1:
      return encodeFrame(UpdateChannel, { channelId, nominalHashRate: 1, maximumTarget: EASIEST });
    default:
      return encodeFrame(CloseChannel, { channelId, reasonCode: 'none' });
  }
});
