// SubmitSharesStandard and SubmitSharesExtended [sv2 5.3.11, 5.3.12]: read in place and handed to the farm.
import type { ShareAnswerFrames } from '@sluice/server/share-answer-frames';
import type { DecodeFault } from '@sluice/sv2/errors';
import { readWorkerIdentity } from '@sluice/sv2/extensions';
import {
  extendedShareEnd,
  holdsExtendedShare,
  holdsStandardShare,
  SHARE_EXTRANONCE_OFFSET,
  shareChannelId,
  shareJobId,
  shareNonce,
  shareNtime,
  shareSequenceNumber,
  shareVersion,
} from '@sluice/sv2/fast/submit-shares';
import { hasControlCharacter } from '@sluice/sv2/text';
import type { Channel } from './channel.ts';
import type { Connection } from './connection.ts';
import type { Sv2Limits } from './limits.ts';

const TRUNCATED_STANDARD: DecodeFault = { ok: false, code: 'payload-truncated', where: 'SubmitSharesStandard' };
const TRUNCATED_EXTENDED: DecodeFault = { ok: false, code: 'payload-truncated', where: 'SubmitSharesExtended' };

export class SubmittedShares {
  readonly #limits: Sv2Limits;
  readonly #answerFrames: ShareAnswerFrames;

  constructor(limits: Sv2Limits, answerFrames: ShareAnswerFrames) {
    this.#limits = limits;
    this.#answerFrames = answerFrames;
  }

  standard(connection: Connection, payload: Uint8Array): DecodeFault | undefined {
    if (!holdsStandardShare(payload.length)) return TRUNCATED_STANDARD;
    const channel = connection.channels.get(shareChannelId(payload, 0));
    if (channel?.kind === 'standard') this.#submit(connection, channel, payload, undefined, channel.identity);
    else this.#refuse(connection, payload);
    return undefined;
  }

  /** With the worker of extension 0x0002 where that was agreed on. */
  extended(connection: Connection, payload: Uint8Array): DecodeFault | undefined {
    if (!holdsExtendedShare(payload, 0, payload.length)) return TRUNCATED_EXTENDED;
    const channel = connection.channels.get(shareChannelId(payload, 0));
    if (channel?.kind !== 'extended') {
      this.#refuse(connection, payload);
      return undefined;
    }
    const end = extendedShareEnd(payload, 0);
    let worker = channel.identity;
    if (connection.namesWorkers) {
      const named = readWorkerIdentity(payload, end);
      if (typeof named === 'object') return named;
      // Behind a dot, as the farm reads names: a worker's may have dots of its own.
      if (named?.isWellFormed() && !hasControlCharacter(named) && named !== '') worker = `.${named}`;
    }
    this.#submit(connection, channel, payload, payload.subarray(SHARE_EXTRANONCE_OFFSET, end), worker);
    return undefined;
  }

  #submit(
    connection: Connection,
    channel: Channel,
    payload: Uint8Array,
    extranonce: Uint8Array | undefined,
    worker: string,
  ): void {
    channel.submit(
      shareSequenceNumber(payload, 0),
      shareJobId(payload, 0),
      extranonce,
      shareNtime(payload, 0),
      shareNonce(payload, 0),
      shareVersion(payload, 0),
      worker,
    );
    if (channel.answers.size > this.#limits.waitingShares) connection.end('too-many-waiting');
  }

  #refuse(connection: Connection, payload: Uint8Array): void {
    const sequenceNumber = shareSequenceNumber(payload, 0);
    connection.refused('SubmitShares.Error', 'invalid-channel-id');
    this.#answerFrames.error(connection.writer, shareChannelId(payload, 0), sequenceNumber, 'invalid-channel-id');
  }
}
