// ZMQ `rawblock`: bitcoind's first word of a new tip. Each message is a whole block, whose first 80 bytes are its header.
import { Subscriber } from 'zeromq';

/** A block is at most 4,000,000 bytes [BIP141]; a peer that sends more is no bitcoind. */
const MAX_MESSAGE_BYTES = 4_000_000;
/** Blocks that may wait for us before libzmq drops: the poll beside it catches what is dropped. */
const RECEIVE_HIGH_WATER_MARK = 16;

export interface BlockAnnouncements {
  close(): void;
}

/** Connects and goes on connecting; `onBlock` gets the serialized block. */
export function subscribeToBlocks(endpoint: string, onBlock: (block: Uint8Array) => void): BlockAnnouncements {
  const socket = new Subscriber({
    receiveHighWaterMark: RECEIVE_HIGH_WATER_MARK,
    maxMessageSize: MAX_MESSAGE_BYTES,
    linger: 0,
    reconnectInterval: 100,
    reconnectMaxInterval: 2_000,
  });
  socket.connect(endpoint);
  socket.subscribe('rawblock');
  const read = async () => {
    for await (const [, block] of socket) {
      if (block !== undefined && block.length > 80) onBlock(block);
    }
  };
  // The iterator ends, or fails with EAGAIN, when the socket is closed: nothing else ends it.
  read().catch(() => undefined);
  return { close: () => socket.close() };
}
