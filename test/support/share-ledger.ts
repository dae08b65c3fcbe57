// What became of each share between a client and a pool, read from what they said to each other, and by whom each was found.
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { SubmitSharesError } from '@sluice/sv2/messages/mining/submit-shares-error';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import type { MessageLog } from './message-log.ts';

export interface LedgerShare {
  /** `account.worker` that it should be credited to. */
  readonly name: string;
  readonly channelId: number;
  readonly jobId: number;
  readonly ntime: number;
  /** Previous hash of its job, hex in wire order. */
  readonly tip: string;
}

export interface ShareLedger {
  readonly sent: number;
  readonly accepted: readonly LedgerShare[];
  /** Refused, by code, without those that a new tip made stale on their way. */
  readonly refused: readonly string[];
  readonly unanswered: number;
  /** Answers that fit no share. */
  readonly faults: readonly string[];
}

/** Of one connection with extended channels. */
export function readLedger(log: MessageLog): ShareLedger {
  const identities = new Map<number, string>();
  const identityOf = new Map<number, string>();
  const tips = new Map<number, string>();
  const pending = new Map<number, Map<number, LedgerShare>>();
  const accepted: LedgerShare[] = [];
  const refused: string[] = [];
  const faults: string[] = [];
  let sent = 0;
  let tip = '';
  for (const { declared, value, worker } of log.messages) {
    switch (declared) {
      case OpenExtendedMiningChannel: {
        const { requestId, userIdentity } = value as OpenExtendedMiningChannel;
        identities.set(requestId, userIdentity);
        break;
      }
      case OpenExtendedMiningChannelSuccess: {
        const { requestId, channelId } = value as OpenExtendedMiningChannelSuccess;
        identityOf.set(channelId, identities.get(requestId) ?? '');
        pending.set(channelId, new Map());
        break;
      }
      case NewExtendedMiningJob: {
        const { jobId, minNtime } = value as NewExtendedMiningJob;
        if (minNtime !== undefined) tips.set(jobId, tip);
        break;
      }
      case SetNewPrevHash: {
        const { jobId, prevHash } = value as SetNewPrevHash;
        tip = Buffer.from(prevHash).toString('hex');
        tips.set(jobId, tip);
        break;
      }
      case SubmitSharesExtended: {
        const { channelId, sequenceNumber, jobId, ntime } = value as SubmitSharesExtended;
        const identity = identityOf.get(channelId) ?? '';
        const name = worker === undefined ? identity : `${identity.split('.')[0]}.${worker}`;
        pending.get(channelId)?.set(sequenceNumber, { name, channelId, jobId, ntime, tip: tips.get(jobId) ?? '' });
        sent += 1;
        break;
      }
      case SubmitSharesSuccess: {
        const { channelId, lastSequenceNumber, newSubmitsAcceptedCount } = value as SubmitSharesSuccess;
        const waiting = pending.get(channelId) ?? new Map<number, LedgerShare>();
        const taken = [...waiting].filter(([sequence]) => sequence <= lastSequenceNumber);
        for (const [sequence, share] of taken) {
          waiting.delete(sequence);
          accepted.push(share);
        }
        if (taken.length !== newSubmitsAcceptedCount)
          faults.push(`${newSubmitsAcceptedCount} accepted up to ${lastSequenceNumber}, where ${taken.length} waited`);
        break;
      }
      case SubmitSharesError: {
        const { channelId, sequenceNumber, errorCode } = value as SubmitSharesError;
        const share = pending.get(channelId)?.get(sequenceNumber);
        if (share === undefined) faults.push(`${errorCode} for share ${sequenceNumber}, which did not wait`);
        else if (errorCode !== 'stale-share' || share.tip === tip) refused.push(errorCode);
        pending.get(channelId)?.delete(sequenceNumber);
        break;
      }
    }
  }
  let unanswered = 0;
  for (const waiting of pending.values()) unanswered += waiting.size;
  return { sent, accepted, refused, unanswered, faults };
}
