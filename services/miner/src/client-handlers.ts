// What a client does on each message of the pool. A handler that returns a string has found the pool out of order, and the
// connection ends with it.
import type { Message } from '@sluice/sv2/message';
import { Reconnect } from '@sluice/sv2/messages/common/reconnect';
import { SetupConnectionError } from '@sluice/sv2/messages/common/setup-connection-error';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { RequestExtensionsError } from '@sluice/sv2/messages/extensions/request-extensions-error';
import { RequestExtensionsSuccess } from '@sluice/sv2/messages/extensions/request-extensions-success';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { OpenMiningChannelError } from '@sluice/sv2/messages/mining/open-mining-channel-error';
import { OpenStandardMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-standard-mining-channel-success';
import { SetExtranoncePrefix } from '@sluice/sv2/messages/mining/set-extranonce-prefix';
import { SetGroupChannel } from '@sluice/sv2/messages/mining/set-group-channel';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { SetTarget } from '@sluice/sv2/messages/mining/set-target';
import { SubmitSharesError } from '@sluice/sv2/messages/mining/submit-shares-error';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import { UpdateChannelError } from '@sluice/sv2/messages/mining/update-channel-error';
import { ClientChannel, type OpenedChannel } from './channel.ts';
import type { MinerClient } from './client.ts';
import { MinerError } from './errors.ts';
import type { PendingAnswers } from './pending-answers.ts';

export interface ClientEvents {
  /** Every message of the pool, decoded, before the client acts on it. */
  message: [declared: Message, value: unknown];
  /** A channel was opened; it has no work yet. */
  channel: [channel: ClientChannel];
  /** A channel has other work than before: a job or a tip came into force. */
  work: [channel: ClientChannel];
  target: [channel: ClientChannel];
  accepted: [answer: SubmitSharesSuccess];
  rejected: [answer: SubmitSharesError];
  updateRefused: [answer: UpdateChannelError];
  /** The pool closed the channel. */
  channelClosed: [channel: ClientChannel, reason: string];
  /** Go to another server of the pool, or come again. */
  reconnect: [where: Reconnect];
  closed: [reason: MinerError];
}

interface HandlerModules {
  readonly client: MinerClient;
  readonly answers: PendingAnswers;
  /** Unix milliseconds. */
  readonly now: () => number;
}

// biome-ignore lint/suspicious/noConfusingVoidType: a handler without a fault returns nothing
type Handler = (value: never) => string | void;
const UNASKED = 'answers nothing that was asked';
const NO_TIP = 'an active job before any tip';
const NO_JOB = 'names a future job that was not sent';

/** By declaration. */
export function clientHandlers({ client, answers, now }: HandlerModules): ReadonlyMap<Message, Handler> {
  /** One channel, or the members of a group. Messages for a channel that we have just closed are no fault. */
  const channelsOf = (id: number): readonly ClientChannel[] => {
    const own = client.channels.get(id);
    return own === undefined ? [...client.channels.values()].filter(({ groupId }) => groupId === id) : [own];
  };

  const asked = (known: boolean) => (known ? undefined : UNASKED);

  const opened = (requestId: number, channel: OpenedChannel) => {
    const created = new ClientChannel(channel);
    client.channels.set(created.id, created);
    const known = answers.settle(requestId, created);
    if (known) client.emit('channel', created);
    return asked(known);
  };

  /** Tells of new work where `take` has taken the message; the fault where it has not. */
  const work = (id: number, take: (channel: ClientChannel) => boolean, fault: string) => {
    for (const channel of channelsOf(id)) {
      const before = channel.work;
      if (!take(channel)) return fault;
      if (channel.work !== before) client.emit('work', channel);
    }
    return undefined;
  };

  return new Map<Message, Handler>([
    [SetupConnectionSuccess, ({ flags }: SetupConnectionSuccess) => asked(answers.settleSetup(flags))],
    [
      SetupConnectionError,
      ({ errorCode }: SetupConnectionError) => {
        answers.failSetup(new MinerError('miner-setup-refused', errorCode));
      },
    ],
    [
      RequestExtensionsSuccess,
      ({ requestId, supportedExtensions }: RequestExtensionsSuccess) =>
        asked(answers.settle(requestId, supportedExtensions)),
    ],
    [RequestExtensionsError, ({ requestId }: RequestExtensionsError) => asked(answers.settle(requestId, []))],
    [
      OpenStandardMiningChannelSuccess,
      ({ requestId, ...rest }: OpenStandardMiningChannelSuccess) =>
        opened(requestId, { kind: 'standard', extranonceSize: 0, ...rest }),
    ],
    [
      OpenExtendedMiningChannelSuccess,
      ({ requestId, ...rest }: OpenExtendedMiningChannelSuccess) => opened(requestId, { kind: 'extended', ...rest }),
    ],
    [
      OpenMiningChannelError,
      ({ requestId, errorCode }: OpenMiningChannelError) =>
        asked(answers.fail(requestId, new MinerError('miner-channel-refused', errorCode))),
    ],
    [NewMiningJob, (job: NewMiningJob) => work(job.channelId, (channel) => channel.addStandardJob(job, now()), NO_TIP)],
    [
      NewExtendedMiningJob,
      (job: NewExtendedMiningJob) => work(job.channelId, (channel) => channel.addExtendedJob(job, now()), NO_TIP),
    ],
    [
      SetNewPrevHash,
      (tip: SetNewPrevHash) => work(tip.channelId, (channel) => channel.setNewPrevHash(tip, now()), NO_JOB),
    ],
    [
      SetTarget,
      ({ channelId, maximumTarget }: SetTarget) => {
        for (const channel of channelsOf(channelId)) {
          channel.target = maximumTarget;
          client.emit('target', channel);
        }
      },
    ],
    [
      SetExtranoncePrefix,
      ({ channelId, extranoncePrefix }: SetExtranoncePrefix) =>
        client.channels.get(channelId)?.setExtranoncePrefix(extranoncePrefix),
    ],
    [
      SetGroupChannel,
      ({ groupChannelId, channelIds }: SetGroupChannel) => {
        for (const id of channelIds) {
          const channel = client.channels.get(id);
          if (channel !== undefined) channel.groupId = groupChannelId;
        }
      },
    ],
    [
      CloseChannel,
      ({ channelId, reasonCode }: CloseChannel) => {
        for (const channel of channelsOf(channelId)) {
          channel.close();
          client.channels.delete(channel.id);
          client.emit('channelClosed', channel, reasonCode);
        }
      },
    ],
    [
      SubmitSharesSuccess,
      (answer: SubmitSharesSuccess) => {
        client.emit('accepted', answer);
      },
    ],
    [
      SubmitSharesError,
      (answer: SubmitSharesError) => {
        client.emit('rejected', answer);
      },
    ],
    [
      UpdateChannelError,
      (answer: UpdateChannelError) => {
        client.emit('updateRefused', answer);
      },
    ],
    [
      Reconnect,
      (where: Reconnect) => {
        client.emit('reconnect', where);
      },
    ],
  ] as [Message, Handler][]);
}
