// A share while it waits for others: a copy of its payload, which is valid during the call only.
import type { HashedHeader } from '@sluice/bitcoin/header-lanes';
import type { WaitingShare } from '@sluice/mining/share-lanes';
import { SHARE_EXTRANONCE_OFFSET } from '@sluice/sv2/fast/submit-shares';
import type { GatewayChannel } from './channels.ts';

const EXTRANONCE_BOUND = 32;

/** `ahead` as in `WaitingShare`. */
export type JudgeWaited = (
  share: WaitingChannelShare,
  channel: GatewayChannel,
  ahead: HashedHeader | undefined,
) => void;

export class WaitingChannelShare implements WaitingShare {
  readonly payload = new Uint8Array(SHARE_EXTRANONCE_OFFSET + EXTRANONCE_BOUND);
  extranonceSize = 0;
  worker = '';
  /** Unix milliseconds. */
  receivedAtMs = 0;
  readonly #judge: JudgeWaited;
  #channel: GatewayChannel | undefined;

  constructor(judge: JudgeWaited) {
    this.#judge = judge;
  }

  /** @param payload of a SubmitSharesStandard, or of a SubmitSharesExtended with `extranonceSize` bytes of extranonce. */
  write(
    channel: GatewayChannel,
    worker: string,
    payload: Uint8Array,
    extranonceSize: number,
    receivedAtMs: number,
  ): void {
    const length = Math.min(payload.length, SHARE_EXTRANONCE_OFFSET + extranonceSize);
    for (let index = 0; index < length; index += 1) this.payload[index] = payload[index]!;
    this.#channel = channel;
    this.worker = worker;
    this.extranonceSize = extranonceSize;
    this.receivedAtMs = receivedAtMs;
  }

  judge(ahead: HashedHeader | undefined): void {
    const channel = this.#channel;
    this.#channel = undefined;
    if (channel !== undefined) this.#judge(this, channel, ahead);
  }
}
