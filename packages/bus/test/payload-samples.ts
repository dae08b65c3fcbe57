// One value of every payload, for the golden file. A change of these is a change of the golden file: see vectors/README.md.
import type { Payload } from '../src/payload-codec.ts';
import {
  Acknowledgement,
  ChannelBlock,
  ChannelClosed,
  ChannelUpdate,
  ChannelUpdateReply,
  OpenReplies,
  OpenReply,
  OpenRequest,
  OpenRequests,
  OperatorClose,
  OperatorCloseReply,
  RangeReply,
  RangeRequest,
} from '../src/payloads/channel.ts';
import { Control, Heartbeat } from '../src/payloads/control.ts';
import { CreditBatch, FindingReport, Statistics } from '../src/payloads/credit.ts';
import { JobRecord } from '../src/payloads/job-record.ts';
import { Solution, SolutionResult } from '../src/payloads/solution.ts';
import { Template, TemplateBodyPiece, TemplateBodyRequest } from '../src/payloads/template.ts';
import { TipNews } from '../src/payloads/tip-news.ts';

const hash = (fill: number) => new Uint8Array(32).fill(fill);
const U256 = 2n ** 255n + 0x1234_5678_9abc_def0n;
const channel = { incarnation: 2n ** 40n + 7n, connectionId: 0xffff_fffe, channelId: 3 };
const position = { epoch: 5n, feed: 2n ** 33n, replayFrom: 17n };

export interface Sample {
  readonly name: string;
  readonly payload: Payload<unknown>;
  readonly value: unknown;
}

const sample = <T>(name: string, payload: Payload<T>, value: T): Sample => ({
  name,
  payload: payload as unknown as Payload<unknown>,
  value,
});

const work = [
  sample('TipNews', TipNews, {
    provider: 'provider-a',
    hash: hash(1),
    header: new Uint8Array(80).fill(2),
    height: 900_000,
    chainwork: U256,
    minNtime: 1_700_000_000,
    nextNbits: 0x1702_0000,
    seenAtMicros: 1_700_000_000_123_456n,
  }),
  sample('TipNews without header', TipNews, {
    provider: 'provider-a',
    hash: hash(1),
    header: new Uint8Array(0),
    height: 900_000,
    chainwork: 0n,
    minNtime: 1_700_000_000,
    nextNbits: 0x1702_0000,
    seenAtMicros: 1_700_000_000_123_456n,
  }),
  sample('Template', Template, {
    provider: 'provider-a',
    templateId: 2n ** 50n,
    height: 900_001,
    prevHash: hash(3),
    chainwork: U256,
    version: 0x2000_0000,
    nbits: 0x1702_0000,
    minNtime: 1_700_000_000,
    curtime: 1_700_000_001,
    coinbaseTxVersion: 2,
    coinbasePrefix: Uint8Array.of(3, 1, 2, 3),
    coinbaseSequence: 0xffff_fffe,
    coinbaseValue: 312_500_000n,
    coinbaseOutputsCount: 1,
    coinbaseOutputs: new Uint8Array(46).fill(4),
    coinbaseLocktime: 900_000,
    merklePath: [hash(5), hash(6)],
    transactionCount: 3,
    fees: 12_345n,
    weight: 4_000,
    sigopsCost: 44,
  }),
  sample('TemplateBodyRequest', TemplateBodyRequest, { templateId: 9n, offset: 524_288 }),
  sample('TemplateBodyPiece', TemplateBodyPiece, { total: 10, data: Uint8Array.of(1, 2, 3) }),
  sample('JobRecord newJob', JobRecord, {
    kind: 'newJob',
    ...position,
    jobId: 32,
    provider: 'provider-a',
    templateId: 9n,
    future: false,
    height: 900_001,
    version: 0x2000_0000,
    prevHash: hash(7),
    nbits: 0x1702_0000,
    minNtime: 1_700_000_000,
    merklePath: [hash(8)],
    coinbasePrefix: Uint8Array.of(1, 2),
    coinbaseSuffix: Uint8Array.of(3, 4, 5),
    createdAtMicros: 1_700_000_000_000_001n,
  }),
  sample('JobRecord activate', JobRecord, {
    kind: 'activate',
    ...position,
    jobId: 48,
    prevHash: hash(9),
    nbits: 0x1702_0000,
    minNtime: 1_700_000_000,
    height: 900_002,
    chainwork: U256,
    seenAtMicros: 1_700_000_000_000_002n,
  }),
  sample('Solution', Solution, {
    hash: hash(10),
    jobId: 48,
    provider: '',
    templateId: 0n,
    header: new Uint8Array(80).fill(11),
    coinbase: new Uint8Array(100).fill(12),
    identity: 'miner',
    worker: 'rig1',
    incarnation: 7n,
    foundAtMicros: 1n,
  }),
  sample('SolutionResult', SolutionResult, {
    hash: hash(10),
    provider: 'p',
    node: 'n',
    answer: 'inconclusive',
    atMicros: 2n,
  }),
];

const channels = [
  sample('OpenRequests', OpenRequests, [
    { identity: 'bc1q….rig-ü', nominalHashrate: Math.fround(1.5e14), maxTarget: 2n ** 256n - 1n },
    { identity: 'a', nominalHashrate: 0, maxTarget: 1n },
  ]),
  sample('OpenReplies', OpenReplies, [
    { kind: 'refused', errorCode: 'unknown-user' },
    {
      kind: 'opened',
      identity: 'a',
      worker: 'w',
      firstTarget: U256,
      minTarget: 1n,
      maxTarget: 2n ** 256n - 1n,
      sharesPerMinute: 6,
      poolPercent: 5,
      payoutScript: Uint8Array.of(0x51, 0x20),
    },
  ]),
  sample('ChannelBlock', ChannelBlock, {
    incarnation: 2n ** 40n + 7n,
    block: 0xffff_fffe,
    channels: [
      {
        connectionId: 0xffff_fffe,
        channelId: 3,
        account: 'bc1q…',
        worker: 'rig-ü',
        remoteAddress: '192.0.2.1:4',
        vendor: 'v',
        openedAtMs: 1_700_000_000_123,
      },
    ],
  }),
  sample('OpenRequest', OpenRequest, {
    ...channel,
    kind: 2,
    identity: 'bc1q….rig-ü',
    nominalHashrate: Math.fround(1.5e14),
    maxTarget: 2n ** 256n - 1n,
    minExtranonceSize: 8,
    remoteAddress: '192.0.2.1:4',
    vendor: 'v',
  }),
  sample('OpenReply opened', OpenReply, {
    kind: 'opened',
    identity: 'a',
    worker: 'w',
    firstTarget: U256,
    minTarget: 1n,
    maxTarget: 2n ** 256n - 1n,
    sharesPerMinute: 6,
    poolPercent: 5,
    payoutScript: Uint8Array.of(0x51, 0x20),
  }),
  sample('OpenReply refused', OpenReply, { kind: 'refused', errorCode: 'unknown-user' }),
  sample('ChannelClosed', ChannelClosed, { ...channel, reason: 'gone' }),
  sample('ChannelUpdate', ChannelUpdate, { ...channel, nominalHashrate: 0.5, maxTarget: U256 }),
  sample('ChannelUpdateReply', ChannelUpdateReply, { errorCode: '', minTarget: 1n, maxTarget: 2n, sharesPerMinute: 6 }),
  sample('Acknowledgement', Acknowledgement, {}),
  sample('OperatorClose', OperatorClose, { account: 'a', ...channel, reason: 'r' }),
  sample('OperatorCloseReply', OperatorCloseReply, { channels: 2 }),
  sample('RangeRequest', RangeRequest, { incarnationLabel: 'gateway-0' }),
  sample('RangeReply granted', RangeReply, { kind: 'granted', incarnation: 2n ** 40n }),
  sample('RangeReply refused', RangeReply, { kind: 'refused', errorCode: 'exhausted' }),
];

const rest = [
  sample('Control drain', Control, { kind: 'drain', deadlineMs: 60_000 }),
  sample('Control closeChannel', Control, { kind: 'closeChannel', connectionId: 1, channelId: 2, reason: 'operator' }),
  sample('Control closeAccount', Control, { kind: 'closeAccount', account: 'alice', reason: 'operator' }),
  sample('Control closeConnection', Control, { kind: 'closeConnection', connectionId: 1, reason: 'operator' }),
  sample('Heartbeat', Heartbeat, {
    service: 'connection-gateway',
    instance: 'g0',
    incarnation: 7n,
    ready: true,
    connections: 5,
    channels: 6,
    feed: 8n,
    atMicros: 9n,
    troubles: ['bus is down', 'full'],
  }),
  sample('CreditBatch', CreditBatch, {
    incarnation: 7n,
    batch: 1n,
    sequence: 2n,
    held: false,
    replayFrom: 1n,
    floor: 3n,
    shares: 2,
    credits: [{ identity: 'a', worker: 'w', shares: 2, work: U256 }],
    findings: [{ kind: 2, shareIndex: 1, detail: 'high hash' }],
    creditedAtMicros: 4n,
    minerPaid: [{ identity: 'bc1q…', worker: 'w', poolPercent: 5, shares: 1, work: U256 }],
  }),
  sample('FindingReport', FindingReport, {
    incarnation: 7n,
    batch: 1n,
    sequence: 2n,
    held: true,
    findings: [],
    atMicros: 5n,
  }),
  sample('Statistics', Statistics, {
    validator: 'v',
    fromMs: 1_700_000_000_000,
    toMs: 1_700_000_001_000,
    shares: 3n,
    work: U256,
    workers: [{ identity: 'a', worker: 'w', shares: 3, work: 1n, hashrate: 0.25 }],
  }),
];

export const samples: readonly Sample[] = [...work, ...channels, ...rest];
