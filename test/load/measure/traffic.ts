// Messages and bytes on the wire, by message type and direction: encrypted ones of Stratum V2, lines of Stratum V1.
import { sealedPayloadLength } from '@sluice/noise/transport';
import { messageOf } from '@sluice/sv2/registry';

/** Beside the 256 message types. */
const HANDSHAKE = 256;
const OF_EXTENSIONS = 257;
/** Lines of Stratum V1. */
const lineKinds = { share: 258, answer: 259, job: 260, other: 261 } as const;
const KINDS = 262;
const SEALED_HEADER = 22;

/** What passes between processes: by message type, then the handshake, all messages of extensions, and lines. */
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

  /** A line of Stratum V1, its line feed included. */
  line(kind: keyof typeof lineKinds, bytes: number): void {
    this.#messages[lineKinds[kind]]! += 1;
    this.#bytes[lineKinds[kind]]! += bytes;
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

const lineNames: ReadonlyMap<number, string> = new Map([
  [lineKinds.share, 'mining.submit'],
  [lineKinds.answer, 'answer to mining.submit'],
  [lineKinds.job, 'mining.notify'],
  [lineKinds.other, 'other lines'],
]);

function nameOf(kind: number): string {
  if (kind === HANDSHAKE) return 'Noise handshake';
  if (kind === OF_EXTENSIONS) return 'messages of extensions';
  const line = lineNames.get(kind);
  if (line !== undefined) return line;
  return messageOf(0, kind)?.name ?? `unknown 0x${kind.toString(16)}`;
}
