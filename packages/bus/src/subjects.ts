// The one table of subjects: what is sent, how it is delivered, by whom and to whom. docs/reference/subjects.md is made from it.
import { BusError } from './errors.ts';
import type { Payload } from './payload-codec.ts';
import {
  Acknowledgement,
  ChannelBlock,
  ChannelClosed,
  ChannelUpdate,
  ChannelUpdateReply,
  OpenReplies,
  OpenRequests,
  OperatorClose,
  OperatorCloseReply,
  RangeReply,
  RangeRequest,
} from './payloads/channel.ts';
import { Control, Heartbeat } from './payloads/control.ts';
import { CreditBatch, FindingReport, Statistics } from './payloads/credit.ts';
import { JobRecord } from './payloads/job-record.ts';
import { Solution, SolutionResult } from './payloads/solution.ts';
import { Template, TemplateBodyPiece, TemplateBodyRequest } from './payloads/template.ts';
import { TipNews } from './payloads/tip-news.ts';
import type { StreamName } from './streams.ts';

export type ServiceName =
  | 'template-provider'
  | 'job-distributor'
  | 'channel-manager'
  | 'connection-gateway'
  | 'share-validator'
  | 'operator'
  | 'dashboard';

/** `core`: at most once. `request`: answered by one member of a queue. `stream`: kept and replayed, live to core subscribers as well. */
export type Delivery = 'core' | 'request' | 'stream';

export interface SubjectDeclaration {
  /** Tokens in angle brackets are filled by `subjectName`. */
  readonly name: string;
  readonly delivery: Delivery;
  readonly stream?: StreamName;
  /** The codec; for a request of the question. A ShareBatch has codecs of its own. */
  readonly payload: Payload<never> | Payload<unknown> | 'ShareBatch';
  readonly reply?: Payload<never> | Payload<unknown>;
  readonly publishers: readonly ServiceName[];
  readonly consumers: readonly ServiceName[];
  readonly doc: string;
}

export const subjects = {
  tip: {
    name: 'tip.<provider>',
    delivery: 'stream',
    stream: 'TEMPLATES',
    payload: TipNews,
    publishers: ['template-provider'],
    consumers: ['job-distributor', 'template-provider'],
    doc: "The node's first news of a new tip.",
  },
  template: {
    name: 'template.<provider>',
    delivery: 'stream',
    stream: 'TEMPLATES',
    payload: Template,
    publishers: ['template-provider'],
    consumers: ['job-distributor', 'template-provider'],
    doc: 'A template without its transactions.',
  },
  templateBody: {
    name: 'template.body.<provider>',
    delivery: 'request',
    payload: TemplateBodyRequest,
    reply: TemplateBodyPiece,
    publishers: ['template-provider'],
    consumers: ['template-provider'],
    doc: 'The transactions of a template, in pieces, for the other providers.',
  },
  jobs: {
    name: 'jobs',
    delivery: 'stream',
    stream: 'JOBS',
    payload: JobRecord,
    publishers: ['job-distributor'],
    consumers: ['connection-gateway', 'share-validator', 'job-distributor', 'template-provider'],
    doc: 'The feed: jobs and activations in one total order, appended with the expected sequence by the leader.',
  },
  channelOpen: {
    name: 'channel.open',
    delivery: 'request',
    payload: OpenRequests,
    reply: OpenReplies,
    publishers: ['connection-gateway'],
    consumers: ['channel-manager'],
    doc: 'May these miners open a channel each, and under which policy?',
  },
  channelClose: {
    name: 'channel.close',
    delivery: 'request',
    payload: ChannelClosed,
    reply: Acknowledgement,
    publishers: ['connection-gateway'],
    consumers: ['channel-manager'],
    doc: 'A channel is gone; of gateways of the release before.',
  },
  channelBlock: {
    name: 'channel.block',
    delivery: 'request',
    payload: ChannelBlock,
    reply: Acknowledgement,
    publishers: ['connection-gateway'],
    consumers: ['channel-manager'],
    doc: 'Which channels a gateway has open of one block, for the registry.',
  },
  channelUpdate: {
    name: 'channel.update',
    delivery: 'request',
    payload: ChannelUpdate,
    reply: ChannelUpdateReply,
    publishers: ['connection-gateway'],
    consumers: ['channel-manager'],
    doc: 'A miner claims another hashrate or largest target.',
  },
  operatorClose: {
    name: 'operator.close',
    delivery: 'request',
    payload: OperatorClose,
    reply: OperatorCloseReply,
    publishers: ['operator', 'dashboard'],
    consumers: ['channel-manager'],
    doc: 'Close the channels of an account, or one channel.',
  },
  extranonceRange: {
    name: 'extranonce.range',
    delivery: 'request',
    payload: RangeRequest,
    reply: RangeReply,
    publishers: ['connection-gateway'],
    consumers: ['channel-manager'],
    doc: 'A gateway that starts asks for a range that nobody ever had.',
  },
  control: {
    name: 'control.<incarnation>',
    delivery: 'core',
    payload: Control,
    publishers: ['channel-manager', 'operator'],
    consumers: ['connection-gateway'],
    doc: 'Drain, or close a channel, a connection or the channels of an account. Incarnation 0: to every gateway.',
  },
  heartbeat: {
    name: 'heartbeat.<service>.<instance>',
    delivery: 'core',
    payload: Heartbeat,
    publishers: ['connection-gateway', 'share-validator'],
    consumers: ['channel-manager', 'share-validator'],
    doc: 'I am here, and how I am.',
  },
  shares: {
    name: 'shares.<incarnation>',
    delivery: 'stream',
    stream: 'SHARES',
    payload: 'ShareBatch',
    publishers: ['connection-gateway'],
    consumers: ['share-validator'],
    doc: 'Accepted shares; the acknowledgement of the append is what the miner is answered by.',
  },
  credit: {
    name: 'credit.<incarnation>',
    delivery: 'stream',
    stream: 'CREDITS',
    payload: CreditBatch,
    publishers: ['share-validator'],
    consumers: ['share-validator', 'dashboard'],
    doc: 'What a batch is worth, by identity and worker.',
  },
  findings: {
    name: 'findings.<incarnation>',
    delivery: 'stream',
    stream: 'CREDITS',
    payload: FindingReport,
    publishers: ['share-validator'],
    consumers: ['dashboard'],
    doc: 'An incarnation whose records do not hold.',
  },
  solution: {
    name: 'solution',
    delivery: 'stream',
    stream: 'SOLUTIONS',
    payload: Solution,
    publishers: ['connection-gateway', 'share-validator', 'template-provider'],
    consumers: ['template-provider'],
    doc: 'A block candidate, kept until a node has answered.',
  },
  solutionNow: {
    name: 'solution.now',
    delivery: 'core',
    payload: Solution,
    publishers: ['connection-gateway', 'share-validator', 'template-provider'],
    consumers: ['template-provider'],
    doc: 'The same at once, ahead of any storing.',
  },
  solutionResult: {
    name: 'solution.result',
    delivery: 'stream',
    stream: 'SOLUTIONS',
    payload: SolutionResult,
    publishers: ['template-provider'],
    consumers: ['template-provider', 'dashboard'],
    doc: "A node's answer to a block.",
  },
  statistics: {
    name: 'statistics',
    delivery: 'core',
    payload: Statistics,
    publishers: ['share-validator'],
    consumers: ['dashboard'],
    doc: 'Accepted work of a short while.',
  },
} as const satisfies Record<string, SubjectDeclaration>;

export type SubjectKey = keyof typeof subjects;

type Tokens<Name extends string> = Name extends `${string}<${string}>${infer Rest}`
  ? [string | number | bigint, ...Tokens<Rest>]
  : [];

const TOKEN = /^[A-Za-z0-9_-]+$/;

/** The subject with its tokens filled in: `subjectName('tip', 'provider-a')` is `tip.provider-a`. Throws `bus-bad-subject`. */
export function subjectName<K extends SubjectKey>(key: K, ...tokens: Tokens<(typeof subjects)[K]['name']>): string {
  const given = tokens.map(String);
  const wrong = given.find((token) => !TOKEN.test(token));
  if (wrong !== undefined) throw new BusError('bus-bad-subject', `"${wrong}" is not of letters, digits, "-" and "_"`);
  let index = 0;
  return subjects[key].name.replace(/<[a-z]+>/g, () => given[index++] ?? '');
}

/** The subject with `*` for each of its tokens: what a subscriber to all of them asks for. */
export function subjectPattern(key: SubjectKey): string {
  return subjects[key].name.replace(/<[a-z]+>/g, '*');
}

/** The last token of a subject: the provider, incarnation or instance. */
export function lastToken(subject: string): string {
  return subject.slice(subject.lastIndexOf('.') + 1);
}
