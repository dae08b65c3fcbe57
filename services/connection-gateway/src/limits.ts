// Every bound of the gateway in one place, with what happens at it. An operator sets the first group; the others follow from the
// protocol or from what a device can need, and are arguments only so that tests can make them small.

export interface GatewayLimits {
  /** Open connections of the process. More are closed unread. A connection with one channel takes about 20 KB. */
  readonly connections: number;
  /** Open connections of one address (IPv6: of one /64). More are closed unread. A farm stands behind one address. */
  readonly connectionsPerAddress: number;
  /** New connections a second, after a burst of ten seconds' worth: each costs a key exchange. More are closed unread. */
  readonly connectionsPerSecond: number;
  /** Messages a second of one connection, after a burst of ten seconds' worth. Beyond it the socket is not read for a while. */
  readonly messagesPerSecond: number;

  /** From the accepted socket to the end of the Noise handshake. Then the socket is closed. */
  readonly handshakeDeadlineMs: number;
  /** From the handshake to a SetupConnection. Then the connection is closed. */
  readonly setupDeadlineMs: number;
  /** How long a connection may be without a channel [sv2 5.3.1]: a proxy may wait for its first miner. Then it is closed. */
  readonly channelDeadlineMs: number;
  /** From a SetupConnection.Error to the closing, so that the client reads it. */
  readonly lingerMs: number;
  /** Open channels of one connection. More are refused with `channel-capacity-exhausted`. */
  readonly channelsPerConnection: number;
  /** Open requests of one connection that wait for the channel-manager. More are refused with `channel-capacity-exhausted`. */
  readonly pendingOpensPerConnection: number;
  /** How long an open request asks for the channel-manager before the answer is `pool-unavailable`. */
  readonly openDeadlineMs: number;
  /** Bytes that wait for a slow reader. It is cut, not buffered for: the largest burst, a job for every channel, fits. */
  readonly outboundBytes: number;
  /** A reader that has taken nothing for so long while something waits is cut. */
  readonly outboundStallMs: number;

  /** How long shares are collected when no append is in flight. */
  readonly shareWindowMs: number;
  /** Bytes of share batches that wait for the stream. At the bound shares are answered with `share-not-stored`. */
  readonly heldShareBytes: number;
  /** How long one append may take before the same bytes are sent again under the same number. */
  readonly appendTimeoutMs: number;
}

export const defaultLimits: GatewayLimits = {
  connections: 20_000,
  connectionsPerAddress: 5_000,
  connectionsPerSecond: 500,
  messagesPerSecond: 2_000,
  handshakeDeadlineMs: 10_000,
  setupDeadlineMs: 10_000,
  channelDeadlineMs: 300_000,
  lingerMs: 1_000,
  channelsPerConnection: 4_096,
  pendingOpensPerConnection: 1_024,
  openDeadlineMs: 10_000,
  outboundBytes: 2_097_152,
  outboundStallMs: 30_000,
  shareWindowMs: 20,
  heldShareBytes: 67_108_864,
  appendTimeoutMs: 2_000,
};

/** A burst may be this many seconds' worth of a rate. */
const BURST_SECONDS = 10;

/** A token bucket: `ratePerSecond` on average, ten times as much at once. Time is the caller's, in milliseconds. */
export class RateLimit {
  readonly #ratePerMs: number;
  readonly #capacity: number;
  #tokens: number;
  #updatedAt: number;

  constructor(ratePerSecond: number, nowMs: number) {
    this.#ratePerMs = ratePerSecond / 1_000;
    this.#capacity = ratePerSecond * BURST_SECONDS;
    this.#tokens = this.#capacity;
    this.#updatedAt = nowMs;
  }

  /** Takes `count` tokens, also when there are fewer; returns how many milliseconds it takes until none is owed. */
  take(count: number, nowMs: number): number {
    this.#refill(nowMs);
    this.#tokens -= count;
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#ratePerMs;
  }

  /** Takes a token if there is one. */
  tryTake(nowMs: number): boolean {
    this.#refill(nowMs);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  #refill(nowMs: number): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + (nowMs - this.#updatedAt) * this.#ratePerMs);
    this.#updatedAt = nowMs;
  }
}
