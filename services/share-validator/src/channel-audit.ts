// What is known of the channels of one incarnation. Whom a channel's blocks pay is derived from its identity, never taken from the gateway: a
// share of another coinbase has another hash.
import type { Network } from '@sluice/bitcoin/network';
import { channelKinds, PAYS_POOL } from '@sluice/bus/payloads/channel';
import type { BatchChannel } from '@sluice/bus/payloads/share-batch';
import { FULL_EXTRANONCE_SIZE } from '@sluice/mining/extranonce';
import type { ExtendedJob } from '@sluice/mining/job';
import { jobPaying, type MinerPayout, minerPayout } from '@sluice/mining/miner-payout';

/** Longest identity or worker name: what the wire's STR0_255 carries. */
const NAME_BOUND = 255;
const RANGE_BYTES = 4;
/** Channels of an incarnation with jobs that are open. An honest gateway of the usual size has a third of it at once, and more where miners come again and again. */
export const CHANNELS_BOUND = 262_144;
const TOO_MANY_CHANNELS = `more than ${CHANNELS_BOUND} channels`;

/** Said of a channel that pays its miner where that is not the pool's policy here: the processes of the pool are set differently. */
const PAYOUTS_OFF = 'its blocks pay the miner, and payoutByIdentity is off here';
/** What an honest gateway may bring about: nothing is credited for it, and nothing held. */
export const HONEST_TROUBLES: ReadonlySet<string> = new Set([PAYOUTS_OFF, TOO_MANY_CHANNELS]);

export class ChannelAudit {
  /** Of this incarnation; never used again. */
  readonly number: number;
  readonly prefix: Uint8Array;
  readonly standard: boolean;
  /** Bytes that the miner rolls. */
  readonly extranonceSize: number;
  /** Highest feed number of a job that it had a share for. */
  lastOrder = 0;
  readonly #payout: MinerPayout | undefined;
  /** The job that was paid out last, and how it is here. */
  #poolJob: ExtendedJob | undefined;
  #paidJob: ExtendedJob | undefined;

  /** @param payout absent: blocks pay the pool. */
  constructor(number: number, prefix: Uint8Array, standard: boolean, payout?: MinerPayout) {
    this.number = number;
    this.prefix = prefix;
    this.standard = standard;
    this.extranonceSize = FULL_EXTRANONCE_SIZE - prefix.length;
    this.#payout = payout;
  }

  /** A job of the feed with the coinbase of this channel; `undefined`: it has none that could be paid out. */
  jobOf(job: ExtendedJob): ExtendedJob | undefined {
    if (this.#payout === undefined) return job;
    if (this.#poolJob !== job) {
      this.#paidJob = jobPaying(job, this.#payout);
      this.#poolJob = job;
    }
    return this.#paidJob;
  }
}

export class ChannelAudits {
  readonly #incarnation: bigint;
  readonly #payoutNetwork: Network | undefined;
  /** By prefix and payout: one channel may stand in a batch several times, with several workers. */
  readonly #channels = new Map<string, ChannelAudit>();
  /** The same by the entries themselves, of which a reader makes one object for many batches. */
  #byEntry = new WeakMap<BatchChannel, ChannelAudit>();
  #made = 0;

  /** @param payoutNetwork of the addresses by which channels may pay their miner; absent: none may. */
  constructor(incarnation: bigint, payoutNetwork?: Network) {
    this.#incarnation = incarnation;
    this.#payoutNetwork = payoutNetwork;
  }

  get size(): number {
    return this.#channels.size;
  }

  /** The channel of an entry of a batch's table, or what is wrong with the entry. */
  of(entry: BatchChannel): ChannelAudit | string {
    const known = this.#byEntry.get(entry);
    if (known !== undefined) return known;
    const channel = this.#of(entry);
    // An entry that pays its miner is made anew with each batch.
    if (typeof channel !== 'string' && entry.poolPercent === PAYS_POOL) this.#byEntry.set(entry, channel);
    return channel;
  }

  #of(entry: BatchChannel): ChannelAudit | string {
    const { kind, extranoncePrefix: prefix, identity, worker, poolPercent } = entry;
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
    const minerPaid = poolPercent === PAYS_POOL ? '' : `${poolPercent} ${identity} `;
    const key = `${minerPaid}${standard ? 's' : 'e'}${Buffer.from(prefix.buffer, prefix.byteOffset, prefix.length).toString('latin1')}`;
    const present = this.#channels.get(key);
    if (present !== undefined) return present;
    if (this.#channels.size >= CHANNELS_BOUND) return TOO_MANY_CHANNELS;
    const payout = poolPercent === PAYS_POOL ? undefined : this.#payoutOf(entry);
    if (typeof payout === 'string') return payout;
    const audit = new ChannelAudit(this.#made, prefix.slice(), standard, payout);
    this.#made += 1;
    this.#channels.set(key, audit);
    return audit;
  }

  #payoutOf({ identity, poolPercent }: BatchChannel): MinerPayout | string {
    const network = this.#payoutNetwork;
    if (network === undefined) return PAYOUTS_OFF;
    return minerPayout(identity, poolPercent, network) ?? `blocks that pay "${identity}", no address of ${network}`;
  }

  /** Forgets those whose jobs are all closed. */
  forgetBelow(floor: number): void {
    this.#byEntry = new WeakMap();
    for (const [key, { lastOrder }] of this.#channels) if (lastOrder < floor) this.#channels.delete(key);
  }
}
