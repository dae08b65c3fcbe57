// Questions of a gateway to the channel-manager and their answers. A channel is named by (incarnation, connectionId, channelId).
import {
  bytes,
  f32,
  group,
  type Payload,
  type PayloadValue,
  payload,
  text,
  u8,
  u16,
  u32,
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

export const OpenRequest = payload(
  'OpenRequest',
  1,
  group({
    ...channelName,
    /** One of `channelKinds`. */
    kind: u8,
    /** The miner's user_identity, as sent. */
    identity: text,
    /** Hashes per second, as claimed. */
    nominalHashrate: f32,
    /** Easiest target that the miner takes. */
    maxTarget: u256,
    minExtranonceSize: u16,
    remoteAddress: text,
    vendor: text,
  }),
);
export type OpenRequest = PayloadValue<typeof OpenRequest>;

/** `poolPercent` of a channel whose blocks pay the pool alone. */
export const PAYS_POOL = 100;

const opened = {
  /** The account that is credited; where blocks pay the miner the address that they pay. */
  identity: text,
  worker: text,
  firstTarget: u256,
  /** Hardest and easiest target that vardiff may set. */
  minTarget: u256,
  maxTarget: u256,
  sharesPerMinute: f32,
} as const;
const refused = {
  /** Goes to the miner as it is. */
  errorCode: text,
} as const;

const payingPool = payload('OpenReply', 1, variants({ opened, refused }));
const currentReply = payload(
  'OpenReply',
  2,
  variants({
    opened: {
      ...opened,
      /** Whole per cent of the channel's blocks that the pool's own outputs keep: PAYS_POOL, or less where the rest pays the miner. */
      poolPercent: u8,
      /** Output script for that rest; empty: there is none. */
      payoutScript: bytes,
    },
    refused,
  }),
);

/** Version 1 of a channel-manager that is not updated yet is read as well: its channels pay the pool. */
export const OpenReply: Payload<PayloadValue<typeof currentReply>> = {
  ...currentReply,
  decode(bytesIn) {
    if (bytesIn[0] !== payingPool.version) return currentReply.decode(bytesIn);
    const reply = payingPool.decode(bytesIn);
    if (reply.kind === 'refused') return reply;
    return { ...reply, poolPercent: PAYS_POOL, payoutScript: new Uint8Array() };
  },
};
export type OpenReply = PayloadValue<typeof OpenReply>;

/** The channel is gone. Answered with an empty Acknowledgement. */
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
