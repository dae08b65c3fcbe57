// ZMQ: bitcoind's first word of a new tip. `rawblock` is a whole block, whose first 80 bytes are its header; `hashblock` is the hash
// alone, for nodes that are set up so, at the price of a question to the node.
import { Subscriber } from 'zeromq';

/** A block is at most 4,000,000 bytes [BIP141]; a peer that sends more is no bitcoind. */
const MAX_MESSAGE_BYTES = 4_000_000;
/** Blocks that may wait for us before libzmq drops: the poll beside it catches what is dropped. */
const RECEIVE_HIGH_WATER_MARK = 16;
/** A node that vanished without a word is noticed, and connected to again, after two of these. */
const HEARTBEAT_MS = 10_000;
const HASH_BYTES = 32;
const HEADER_BYTES = 80;

export interface BlockListener {
  /** 80 bytes. */
  onHeader(header: Uint8Array): void;
  /** 32 bytes, wire order. */
  onHash(hash: Uint8Array): void;
  /** What the listener itself threw: announcements go on. */
  onFailure(error: unknown): void;
}

export interface BlockAnnouncements {
  close(): void;
}

/** Connects and goes on connecting. */
export function subscribeToBlocks(endpoint: string, listener: BlockListener): BlockAnnouncements {
  const socket = new Subscriber({
    receiveHighWaterMark: RECEIVE_HIGH_WATER_MARK,
    maxMessageSize: MAX_MESSAGE_BYTES,
    linger: 0,
    reconnectInterval: 100,
    reconnectMaxInterval: 2_000,
    heartbeatInterval: HEARTBEAT_MS,
    heartbeatTimeout: 2 * HEARTBEAT_MS,
  });
  socket.connect(endpoint);
  socket.subscribe('rawblock', 'hashblock');
  const read = async () => {
    for await (const [topic, payload] of socket) {
      try {
        if (topic !== undefined && payload !== undefined) hear(topic.toString(), payload, listener);
      } catch (error) {
        listener.onFailure(error);
      }
    }
  };
  // The iterator ends, or fails with EAGAIN, when the socket is closed: nothing else ends it.
  read().catch(() => undefined);
  return { close: () => socket.close() };
}

function hear(topic: string, payload: Uint8Array, listener: BlockListener): void {
  if (topic === 'rawblock' && payload.length > HEADER_BYTES) {
    listener.onHeader(Uint8Array.from(payload.subarray(0, HEADER_BYTES)));
  } else if (topic === 'hashblock' && payload.length === HASH_BYTES) {
    // bitcoind sends it in display order.
    listener.onHash(Uint8Array.from(payload).reverse());
  }
}
