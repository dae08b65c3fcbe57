// What is known of the channels of one incarnation: the target that each of their jobs had, and the merkle roots of standard channels.
// A job keeps its target, so that a gateway cannot choose afterwards which target a lucky share was for.

import { channelKinds } from '@sluice/bus/payloads/channel';
import type { BatchChannel } from '@sluice/bus/payloads/share-batch';
import { FULL_EXTRANONCE_SIZE } from '@sluice/mining/extranonce';
import type { KnownJob } from './job-history.ts';

/** Longest identity or worker name: what the wire's STR0_255 carries. */
const NAME_BOUND = 255;
const RANGE_BYTES = 4;
/** Channels of an incarnation with jobs that are open; an honest gateway has a tenth of it. */
const CHANNELS_BOUND = 262_144;

/** A job as one channel had it. */
export interface GivenJob {
  /** As on the wire: reissues of a job are told apart. */
  readonly jobId: number;
  readonly known: KnownJob;
  /** 32 bytes, little-endian. */
  readonly target: Uint8Array;
  /** Of a standard channel, once a share has been checked. */
  root: Uint8Array | undefined;
}

export class ChannelAudit {
  readonly prefix: Uint8Array;
  readonly standard: boolean;
  /** Bytes that the miner rolls. */
  readonly extranonceSize: number;
  readonly #given: GivenJob[] = [];

  constructor(prefix: Uint8Array, standard: boolean) {
    this.prefix = prefix;
    this.standard = standard;
    this.extranonceSize = FULL_EXTRANONCE_SIZE - prefix.length;
  }

  find(jobId: number): GivenJob | undefined {
    for (let index = this.#given.length - 1; index >= 0; index -= 1) {
      const given = this.#given[index];
      if (given?.jobId === jobId) return given;
    }
    return undefined;
  }

  add(given: GivenJob): void {
    this.#given.push(given);
  }

  /** Forgets closed jobs. True: there are none left. */
  forgetBelow(floor: number): boolean {
    let kept = 0;
    for (const given of this.#given) if (given.known.order >= floor) this.#given[kept++] = given;
    this.#given.length = kept;
    return kept === 0;
  }
}

export class ChannelAudits {
  readonly #incarnation: bigint;
  /** By prefix: one channel may stand in a batch several times, with several workers. */
  readonly #channels = new Map<string, ChannelAudit>();

  constructor(incarnation: bigint) {
    this.#incarnation = incarnation;
  }

  get size(): number {
    return this.#channels.size;
  }

  /** The channel of an entry of a batch's table, or what is wrong with the entry. */
  of(entry: BatchChannel): ChannelAudit | string {
    const { kind, extranoncePrefix: prefix, identity, worker } = entry;
    const standard = kind === channelKinds.standard;
    if (!standard && kind !== channelKinds.extended) return `a channel of kind ${kind}`;
    if (
      standard
        ? prefix.length !== FULL_EXTRANONCE_SIZE
        : prefix.length < RANGE_BYTES || prefix.length >= FULL_EXTRANONCE_SIZE
    )
      return `a prefix of ${prefix.length} bytes on ${standard ? 'a standard' : 'an extended'} channel`;
    // Ranges are the incarnations: who could use another's prefix could repeat another's shares.
    const range = prefix[0]! * 2 ** 24 + prefix[1]! * 2 ** 16 + prefix[2]! * 2 ** 8 + prefix[3]!;
    if (BigInt(range) !== this.#incarnation) return `a prefix of range ${range}`;
    if (Buffer.byteLength(identity) > NAME_BOUND || Buffer.byteLength(worker) > NAME_BOUND)
      return `an identity or worker of more than ${NAME_BOUND} bytes`;
    const key = `${standard ? 's' : 'e'}${Buffer.from(prefix.buffer, prefix.byteOffset, prefix.length).toString('latin1')}`;
    const present = this.#channels.get(key);
    if (present !== undefined) return present;
    if (this.#channels.size >= CHANNELS_BOUND) return `more than ${CHANNELS_BOUND} channels`;
    const audit = new ChannelAudit(prefix.slice(), standard);
    this.#channels.set(key, audit);
    return audit;
  }

  forgetBelow(floor: number): void {
    for (const [key, channel] of this.#channels) if (channel.forgetBelow(floor)) this.#channels.delete(key);
  }
}
