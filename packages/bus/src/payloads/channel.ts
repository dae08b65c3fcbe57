// Questions of a gateway to the channel-manager and their answers. A channel is named by (incarnation, connectionId, channelId).
import {
  bytes,
  f32,
  group,
  list,
  type PayloadValue,
  payload,
  text,
  u8,
  u16,
  u32,
  u48,
  u64,
  u256,
  variants,
} from '../payload-codec.ts';

const channelName = {
  /** Range counter of the gateway: one per start of its process. */
  incarnation: u64,
  connectionId: u32,
  channelId: u32,
} as const;

/** `kind` of an OpenRequest and of a channel in a ShareBatch. */
export const channelKinds = { standard: 1, extended: 2 } as const;

/** What the decision about a channel rests on. */
const wanted = {
  /** The miner's user_identity, as sent. */
  identity: text,
  /** Hashes per second, as claimed. */
  nominalHashrate: f32,
  /** Easiest target that the miner takes. */
  maxTarget: u256,
} as const;

/** Channels that miners of one gateway want to open. Answered with as many replies, in that order. */
export const OpenRequests = payload('OpenRequests', 2, list(group(wanted)));
export type WantedChannel = PayloadValue<typeof OpenRequests>[number];

/** Of a gateway of the release before, under the same subject: one channel. Answered with one OpenReply. */
export const OpenRequest = payload(
  'OpenRequest',
  1,
  group({
    ...channelName,
    /** One of `channelKinds`. */
    kind: u8,
    ...wanted,
    minExtranonceSize: u16,
    remoteAddress: text,
    vendor: text,
  }),
);
export type OpenRequest = PayloadValue<typeof OpenRequest>;

/** `poolPercent` of a channel whose blocks pay the pool alone. */
export const PAYS_POOL = 100;

const decision = variants({
  opened: {
    /** The account that is credited; where blocks pay the miner the address that they pay. */
    identity: text,
    worker: text,
    firstTarget: u256,
    /** Hardest and easiest target that vardiff may set. */
    minTarget: u256,
    maxTarget: u256,
    sharesPerMinute: f32,
    /** Whole per cent of the channel's blocks that the pool's own outputs keep: PAYS_POOL, or less where the rest pays the miner. */
    poolPercent: u8,
    /** Output script for that rest; empty: there is none. */
    payoutScript: bytes,
  },
  refused: {
    /** Goes to the miner as it is. */
    errorCode: text,
  },
});

export const OpenReplies = payload('OpenReplies', 1, list(decision));
export const OpenReply = payload('OpenReply', 2, decision);
export type OpenReply = PayloadValue<typeof OpenReply>;

/**
 * The channels that a gateway has open of one block, as the registry keeps them; none: it forgets the block. Answered with an
 * Acknowledgement when it is stored.
 */
export const ChannelBlock = payload(
  'ChannelBlock',
  1,
  group({
    incarnation: u64,
    /** Channels of an incarnation are counted, and each so many of them are a block: BLOCK_CHANNELS. */
    block: u32,
    channels: list(
      group({
        connectionId: u32,
        channelId: u32,
        account: text,
        worker: text,
        remoteAddress: text,
        vendor: text,
        openedAtMs: u48,
      }),
    ),
  }),
);
export type ChannelBlock = PayloadValue<typeof ChannelBlock>;

/** Few enough that a block with the longest texts is one message, and that a channel that comes or goes is a small write. */
export const BLOCK_CHANNELS = 64;

/** Of a gateway of the release before: the channel is gone. Answered with an empty Acknowledgement. */
export const ChannelClosed = payload('ChannelClosed', 1, group({ ...channelName, reason: text }));
export type ChannelClosed = PayloadValue<typeof ChannelClosed>;

/** The miner has sent UpdateChannel. */
export const ChannelUpdate = payload(
  'ChannelUpdate',
  1,
  group({ ...channelName, nominalHashrate: f32, maxTarget: u256 }),
);
export type ChannelUpdate = PayloadValue<typeof ChannelUpdate>;

/** What now holds for the channel; `errorCode` empty: the update was taken. */
export const ChannelUpdateReply = payload(
  'ChannelUpdateReply',
  1,
  group({ errorCode: text, minTarget: u256, maxTarget: u256, sharesPerMinute: f32 }),
);
export type ChannelUpdateReply = PayloadValue<typeof ChannelUpdateReply>;

/** Answer that says only that the question was taken in. */
export const Acknowledgement = payload('Acknowledgement', 1, group({}));
export type Acknowledgement = PayloadValue<typeof Acknowledgement>;

/** A gateway that starts asks for its range; `incarnationLabel` (host or pod name) is for people. */
export const RangeRequest = payload('RangeRequest', 1, group({ incarnationLabel: text }));
export type RangeRequest = PayloadValue<typeof RangeRequest>;

/** `incarnation` is the value of the range counter: never given twice in the life of the pool. */
export const RangeReply = payload(
  'RangeReply',
  1,
  variants({ granted: { incarnation: u64 }, refused: { errorCode: text } }),
);
export type RangeReply = PayloadValue<typeof RangeReply>;

/** An operator wants channels gone: those of an account, all its workers, or one channel where `incarnation` is not 0. */
export const OperatorClose = payload('OperatorClose', 1, group({ account: text, ...channelName, reason: text }));
export type OperatorClose = PayloadValue<typeof OperatorClose>;

/** How many channels their gateways were told to close. */
export const OperatorCloseReply = payload('OperatorCloseReply', 1, group({ channels: u32 }));
export type OperatorCloseReply = PayloadValue<typeof OperatorCloseReply>;
