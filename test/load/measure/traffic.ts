// Messages and encrypted bytes on the wire, by message type and direction.
import { sealedPayloadLength } from '@sluice/noise/transport';
import { messageOf } from '@sluice/sv2/registry';

/** Beside the 256 message types. */
const HANDSHAKE = 256;
const OF_EXTENSIONS = 257;
const KINDS = 258;
const SEALED_HEADER = 22;

/** What passes between processes: by message type, then the handshake, then all messages of extensions. */
export interface TrafficData {
  readonly messages: Float64Array;
  readonly bytes: Float64Array;
}

export interface TrafficRow {
  readonly name: string;
  readonly messages: number;
  readonly bytes: number;
}

/** One direction. */
export class Traffic {
  readonly #messages = new Float64Array(KINDS);
  readonly #bytes = new Float64Array(KINDS);

  static of(parts: readonly TrafficData[]): Traffic {
    const traffic = new Traffic();
    for (const { messages, bytes } of parts) {
      for (const [kind, count] of messages.entries()) traffic.#messages[kind]! += count;
      for (const [kind, count] of bytes.entries()) traffic.#bytes[kind]! += count;
    }
    return traffic;
  }

  /** A message by its type and the length of its payload before it is sealed. */
  count(extensionType: number, msgType: number, payloadLength: number): void {
    const kind = (extensionType & 0x7fff) === 0 ? msgType : OF_EXTENSIONS;
    this.#messages[kind]! += 1;
    this.#bytes[kind]! += SEALED_HEADER + sealedPayloadLength(payloadLength);
  }

  handshake(bytes: number): void {
    this.#messages[HANDSHAKE]! += 1;
    this.#bytes[HANDSHAKE]! += bytes;
  }

  get data(): TrafficData {
    return { messages: this.#messages, bytes: this.#bytes };
  }

  /** What there was, by falling bytes. */
  get rows(): readonly TrafficRow[] {
    return [...this.#messages.entries()]
      .filter(([, messages]) => messages > 0)
      .map(([kind, messages]) => ({ name: nameOf(kind), messages, bytes: this.#bytes[kind] ?? 0 }))
      .sort((a, b) => b.bytes - a.bytes);
  }
}

function nameOf(kind: number): string {
  if (kind === HANDSHAKE) return 'Noise handshake';
  if (kind === OF_EXTENSIONS) return 'messages of extensions';
  return messageOf(0, kind)?.name ?? `unknown 0x${kind.toString(16)}`;
}
