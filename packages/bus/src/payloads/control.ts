// What an operator or the operator's controller tells one gateway, and the beats by which services are seen.
import { bool, group, list, type PayloadValue, payload, text, u32, u64, variants } from '../payload-codec.ts';

/** Subject token of an order to every gateway: no incarnation has this number. */
export const EVERY_GATEWAY = 0;

export const Control = payload(
  'Control',
  1,
  variants({
    /** As `POST /drain` with `keep=0`: close new connections and move the present ones away within the deadline. */
    drain: { deadlineMs: u32 },
    closeChannel: { connectionId: u32, channelId: u32, reason: text },
    closeConnection: { connectionId: u32, reason: text },
    /** Every channel that is credited to the account. */
    closeAccount: { account: text, reason: text },
  }),
);
export type Control = PayloadValue<typeof Control>;

export const Heartbeat = payload(
  'Heartbeat',
  1,
  group({
    service: text,
    instance: text,
    /** 0 for services other than gateways. */
    incarnation: u64,
    ready: bool,
    /** Open connections and channels of a gateway. */
    connections: u32,
    channels: u32,
    /** Last feed number applied; 0 where the service reads no feed. */
    feed: u64,
    atMicros: u64,
    /** One line for each thing that is wrong. */
    troubles: list(text),
  }),
);
export type Heartbeat = PayloadValue<typeof Heartbeat>;
