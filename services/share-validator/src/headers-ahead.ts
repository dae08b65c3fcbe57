// Headers of the next shares of a batch, hashed before these are judged, four at a time, and their merkle roots before where they are not known. Which
// share is good is not asked here: what was hashed is used where the share that is judged has that very header.
import { writeHeader } from '@sluice/bitcoin/header';
import { type HashedHeader, HeaderLanes } from '@sluice/bitcoin/header-lanes';
import { LANES } from '@sluice/bitcoin/lane-code';
import type { ShareBatchReader } from '@sluice/bus/payloads/share-batch';
import type { ExtendedJob, Tip } from '@sluice/mining/job';
import type { ChannelAudit } from './channel-audit.ts';
import { RootsAhead } from './roots-ahead.ts';

/** Serves all audits: what one has had hashed is good until another one, or the same, begins. */
export class HeadersAhead {
  readonly #lanes: HeaderLanes;
  readonly #roots: RootsAhead;
  /** By place: the job of the share that was added. */
  readonly #jobs: (ExtendedJob | undefined)[];
  /** By place: its header is hashed. */
  readonly #isHashed: boolean[];
  /** Places whose header is whole. */
  readonly #whole: number[] = [];
  /** Of standard channels whose root is not known: the place of the first share, by prefix; and the places of those behind it, each with the first one's. */
  readonly #firsts = new Map<Uint8Array, number>();
  readonly #others: number[] = [];
  #turn = 0;
  readonly #onRoot = (place: number) => {
    this.#whole.push(place);
    this.#isHashed[place] = true;
  };

  /** @param shares places, counted from 0. */
  constructor(shares: number) {
    this.#lanes = new HeaderLanes(shares);
    this.#roots = new RootsAhead(this.#lanes.places.map(({ root }) => root));
    this.#jobs = new Array<ExtendedJob | undefined>(shares).fill(undefined);
    this.#isHashed = new Array<boolean>(shares).fill(false);
  }

  /** Forgets all shares. Returns what `at` wants to be told. */
  begin(): number {
    this.#jobs.fill(undefined);
    this.#isHashed.fill(false);
    this.#whole.length = 0;
    this.#firsts.clear();
    this.#others.length = 0;
    this.#turn += 1;
    return this.#turn;
  }

  /** The share that the reader stands at, whose extranonce has its size. @param root where it is known already. */
  add(
    place: number,
    { prefix, standard }: ChannelAudit,
    job: ExtendedJob,
    tip: Tip,
    root: Uint8Array | undefined,
    { nonce, ntime, version, extranonceOffset }: ShareBatchReader,
  ): void {
    const { header, root: ownRoot } = this.#lanes.places[place]!;
    writeHeader(header, version, tip.prevHash, root ?? ownRoot, ntime, tip.nbits, nonce);
    this.#jobs[place] = job;
    if (root !== undefined) this.#onRoot(place);
    else if (!standard || this.#isFirst(place, prefix, job)) this.#roots.add(place, job, prefix, extranonceOffset);
  }

  /** Whether no share of this standard channel and job was added before. */
  #isFirst(place: number, prefix: Uint8Array, job: ExtendedJob): boolean {
    const first = this.#firsts.get(prefix);
    if (first === undefined || this.#jobs[first] !== job) {
      this.#firsts.set(prefix, place);
      return true;
    }
    this.#others.push(place, first);
    return false;
  }

  /** Hashes what is worth it. */
  run(payload: Uint8Array): void {
    const { places } = this.#lanes;
    const whole = this.#whole;
    this.#roots.run(payload, this.#onRoot);
    for (let index = 0; index < this.#others.length; index += 2) {
      const place = this.#others[index]!;
      const first = this.#others[index + 1]!;
      if (!this.#isHashed[first]) continue;
      places[place]!.root.set(places[first]!.root);
      this.#onRoot(place);
    }
    // One alone is hashed as fast when it is judged.
    if (whole.length === 1) this.#isHashed[whole[0]!] = false;
    else
      for (let index = 0; index < whole.length; index += LANES) {
        const place = whole[index]!;
        this.#lanes.run(place, whole[index + 1] ?? place, whole[index + 2] ?? place, whole[index + 3] ?? place);
      }
  }

  /** The header of the share at a place, for this job, and its hash; `undefined`: not known. @param turn what `begin` returned. */
  at(turn: number, place: number, job: ExtendedJob): HashedHeader | undefined {
    if (turn !== this.#turn || !this.#isHashed[place] || this.#jobs[place] !== job) return undefined;
    return this.#lanes.places[place];
  }
}
