// Changes of a channel's target: from vardiff's wish to SetTarget, and to a job with the new target where the old one is too hard.
import type { ShareLanes, WaitingShare } from '@sluice/mining/share-lanes';
import { clampTarget, shareTarget } from '@sluice/mining/share-target';
import { targetOfHashes } from '@sluice/mining/vardiff-difficulty';
import type { Logger } from '@sluice/runtime/logger';
import { SetTarget } from '@sluice/sv2/messages/mining/set-target';
import type { GatewayChannel } from './channels.ts';
import type { GatewayCounters } from './counters.ts';
import type { FanOut } from './fan-out.ts';
import { difficultyForLog } from './peer-log.ts';

export interface ChannelTargetsModules {
  readonly fanOut: FanOut;
  /** Shares that came before what is written. */
  readonly lanes: Pick<ShareLanes<WaitingShare>, 'flush'>;
  readonly counters: GatewayCounters;
  readonly log: Logger;
}

export class ChannelTargets {
  readonly #fanOut: FanOut;
  readonly #lanes: Pick<ShareLanes<WaitingShare>, 'flush'>;
  readonly #counters: GatewayCounters;
  readonly #log: Logger;

  constructor(modules: ChannelTargetsModules) {
    this.#fanOut = modules.fanOut;
    this.#lanes = modules.lanes;
    this.#counters = modules.counters;
    this.#log = modules.log;
  }

  /** Asked about once a second for every channel. */
  tick(channel: GatewayChannel, nowMs: number): void {
    const difficulty = channel.vardiff.evaluate(nowMs);
    if (difficulty !== undefined) this.apply(channel, difficulty);
  }

  /** Writes a SetTarget for this many hashes a share. */
  apply(channel: GatewayChannel, difficulty: number): void {
    this.#lanes.flush();
    const { hardest, easiest } = channel.bounds;
    const target = shareTarget(clampTarget(targetOfHashes(difficulty), hardest, easiest));
    const easier = target.value > channel.mining.activeTarget.value;
    channel.mining.setTarget(target);
    this.confirm(channel);
    // Jobs keep the target that they were sent with: a device that is too slow for it would wait for the next job.
    if (easier && channel.connection.delivery !== 'none') this.#fanOut.reissue(channel);
  }

  /** Writes the target in force. */
  confirm(channel: GatewayChannel): void {
    this.#lanes.flush();
    this.#counters.setTargets += 1;
    channel.connection.send(SetTarget, { channelId: channel.id, maximumTarget: channel.mining.target.bytes });
    if (!this.#log.isLevelEnabled('debug')) return;
    const difficulty = difficultyForLog(channel.mining.target.value);
    this.#log.debug({ connection: channel.connection.id, channelId: channel.id, difficulty }, 'SetTarget');
  }
}
