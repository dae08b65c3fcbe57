// Channels that are never worked on: ten thousand on one connection, one on each of many, and thousands whose jobs nobody reads.
import { setTimeout as sleep } from 'node:timers/promises';
import { miningClientFlags } from '@sluice/sv2/flags';
import { OpenMiningChannelError } from '@sluice/sv2/messages/mining/open-mining-channel-error';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { OpenStandardMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-standard-mining-channel-success';
import { type Attack, ended } from '../attack.ts';

const CHANNELS = 10_000;
const STAY_MS = 1_000;
/** As many as a connection may have, nearly. */
const UNREAD = 4_000;
const ASKED_TOGETHER = 200;

/** Asks for all of them at once, and soon again: the first second is the worst. */
export const manyChannels: Attack = (attacker) =>
  attacker.keep(attacker.plan.connections, async () => {
    const miner = await attacker.shakeHands(attacker.plan.address);
    if (miner === undefined) return;
    await miner.setup();
    for (let channel = 0; channel < CHANNELS && !miner.closed; channel++)
      miner.send(OpenStandardMiningChannel, miner.openMessage({}));
    await Promise.race([sleep(STAY_MS), ended(miner.socket)]);
    for (const { declared } of miner.received) {
      if (declared === OpenStandardMiningChannelSuccess) attacker.saw('opened');
      else if (declared === OpenMiningChannelError) attacker.saw('refused');
    }
    miner.socket.destroy();
  });

export const idleChannels: Attack = (attacker) =>
  attacker.keep(attacker.plan.connections, async () => {
    const miner = await attacker.shakeHands(attacker.plan.address);
    if (miner === undefined) return;
    await miner.setup();
    await miner.openStandard();
    attacker.saw('opened');
    await ended(miner.socket);
  });

/** Reads until it has its channels, and then nothing: each job and each block is thousands of messages for it. */
export const slowReaders: Attack = (attacker) =>
  attacker.keep(attacker.plan.connections, async () => {
    const miner = await attacker.shakeHands(attacker.plan.address);
    if (miner === undefined) return;
    await miner.setup(miningClientFlags.REQUIRES_STANDARD_JOBS);
    for (let channels = 0; channels < UNREAD && !miner.closed; channels += ASKED_TOGETHER) {
      for (let asked = 0; asked < ASKED_TOGETHER; asked++) miner.send(OpenStandardMiningChannel, miner.openMessage({}));
      for (let answered = 0; answered < ASKED_TOGETHER && !miner.closed; ) {
        if ((await miner.next()).declared === OpenStandardMiningChannelSuccess) answered += 1;
      }
      attacker.saw('opened', ASKED_TOGETHER);
    }
    miner.socket.pause();
    await ended(miner.socket);
  });
