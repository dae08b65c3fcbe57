// What a session does on each message of its upstream. A handler that returns a string has found the upstream out of order, and the
// connection ends with it.
import type { Message } from '@sluice/sv2/message';
import { Reconnect } from '@sluice/sv2/messages/common/reconnect';
import { SetupConnectionError } from '@sluice/sv2/messages/common/setup-connection-error';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { RequestExtensionsError } from '@sluice/sv2/messages/extensions/request-extensions-error';
import { RequestExtensionsSuccess } from '@sluice/sv2/messages/extensions/request-extensions-success';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { OpenMiningChannelError } from '@sluice/sv2/messages/mining/open-mining-channel-error';
import { SetExtranoncePrefix } from '@sluice/sv2/messages/mining/set-extranonce-prefix';
import { SetGroupChannel } from '@sluice/sv2/messages/mining/set-group-channel';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { SetTarget } from '@sluice/sv2/messages/mining/set-target';
import { SubmitSharesError } from '@sluice/sv2/messages/mining/submit-shares-error';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import { payloadLimits } from '@sluice/sv2/payload-limits';
import type { ChannelWork } from './channel-work.ts';
import type { Channels } from './channels.ts';
import { UpstreamError } from './errors.ts';

/** How the upstream is out of order; `undefined`: it is not. */
export type Fault = string | undefined;
type Handler = (message: never) => Fault;

/** Bounds of what an upstream may send. */
export const maxPayload = payloadLimits([
  SetupConnectionSuccess,
  SetupConnectionError,
  Reconnect,
  RequestExtensionsSuccess,
  RequestExtensionsError,
  OpenExtendedMiningChannelSuccess,
  OpenMiningChannelError,
  NewExtendedMiningJob,
  SetNewPrevHash,
  SetTarget,
  SetExtranoncePrefix,
  SetGroupChannel,
  CloseChannel,
  SubmitSharesSuccess,
  SubmitSharesError,
]);

/** What the handlers need of a session. */
export interface SessionActions {
  readonly channels: Channels;
  onSetUp(usedVersion: number): Fault;
  onExtensions(supported: readonly number[]): void;
  onReconnect(where: Reconnect): void;
  end(reason: UpstreamError): void;
}

/** By declaration. What is for a channel that is not ours is of no interest. */
export function sessionHandlers(session: SessionActions): ReadonlyMap<Message, Handler> {
  const { channels } = session;
  const taken = (channelId: number, change: (channel: ChannelWork) => Fault): Fault =>
    channels.each(channelId, (channel) => channel.take(change));
  const end = (reason: UpstreamError): undefined => void session.end(reason);
  return new Map<Message, Handler>([
    [SetupConnectionSuccess, ({ usedVersion }: SetupConnectionSuccess) => session.onSetUp(usedVersion)],
    [
      SetupConnectionError,
      ({ errorCode }: SetupConnectionError) => end(new UpstreamError('upstream-setup-refused', errorCode)),
    ],
    [Reconnect, (where: Reconnect): undefined => void session.onReconnect(where)],
    [
      RequestExtensionsSuccess,
      (answer: RequestExtensionsSuccess): undefined => void session.onExtensions(answer.supportedExtensions),
    ],
    [RequestExtensionsError, (): undefined => void session.onExtensions([])],
    [OpenExtendedMiningChannelSuccess, (opened: OpenExtendedMiningChannelSuccess) => channels.onOpened(opened)],
    [
      OpenMiningChannelError,
      ({ requestId, errorCode }: OpenMiningChannelError): undefined => void channels.onRefused(requestId, errorCode),
    ],
    [NewExtendedMiningJob, (job: NewExtendedMiningJob) => taken(job.channelId, (channel) => channel.addJob(job))],
    [SetNewPrevHash, (tip: SetNewPrevHash) => taken(tip.channelId, (channel) => channel.setNewPrevHash(tip))],
    [
      SetTarget,
      ({ channelId, maximumTarget }: SetTarget) =>
        taken(channelId, (channel): undefined => void channel.setTarget(maximumTarget)),
    ],
    [
      SetExtranoncePrefix,
      ({ channelId, extranoncePrefix }: SetExtranoncePrefix) =>
        taken(channelId, (channel) => channel.setExtranoncePrefix(extranoncePrefix)),
    ],
    [
      SetGroupChannel,
      ({ groupChannelId, channelIds }: SetGroupChannel): undefined => {
        for (const id of channelIds) channels.one(id)?.joinGroup(groupChannelId);
      },
    ],
    [
      CloseChannel,
      ({ channelId, reasonCode }: CloseChannel): undefined => void channels.onClosed(channelId, reasonCode),
    ],
    [
      SubmitSharesSuccess,
      ({ channelId, lastSequenceNumber }: SubmitSharesSuccess): undefined =>
        void channels.one(channelId)?.inFlight.accepted(lastSequenceNumber),
    ],
    [
      SubmitSharesError,
      ({ channelId, sequenceNumber, errorCode }: SubmitSharesError): undefined =>
        void channels.one(channelId)?.inFlight.refused(sequenceNumber, errorCode),
    ],
  ] as [Message, Handler][]);
}
