// Merkle roots of a job for the next standard channels that are told it, hashed four at a time: nearly all of what such a channel's job costs is
// its coinbase and its path, one hash after the other. Whose root is not known here is hashed when it is told.
import { LANES } from '@sluice/bitcoin/lane-code';
import { RootLanes } from '@sluice/bitcoin/root-lanes';
import type { MiningChannel } from '@sluice/mining/channel';
import { FULL_EXTRANONCE_SIZE } from '@sluice/mining/extranonce';
import type { ExtendedJob } from '@sluice/mining/job';

const NOTHING = new Uint8Array(0);

export class RootsAhead {
  readonly #lanes = new RootLanes();
  readonly #waiting: MiningChannel[] = [];
  readonly #roots = new Map<MiningChannel, Uint8Array>();
  /** What roots were kept in that are forgotten. */
  readonly #spare: Uint8Array[] = [];
  #job: ExtendedJob | undefined;

  /** Takes up a job, and forgets the roots that are known; `undefined`: nothing else. */
  begin(job: ExtendedJob | undefined): void {
    this.#spare.push(...this.#roots.values());
    this.#roots.clear();
    this.#job = job !== undefined && this.#lanes.begin(job, FULL_EXTRANONCE_SIZE) ? job : undefined;
  }

  /** A standard channel that is about to be told the job. */
  add(channel: MiningChannel): void {
    this.#waiting.push(channel);
    if (this.#waiting.length === LANES) this.run();
  }

  /** Hashes for those that are left. */
  run(): void {
    const waiting = this.#waiting;
    // One alone is hashed as fast the plain way.
    if (this.#job !== undefined && waiting.length > 1) {
      for (const [lane, { extranoncePrefix }] of waiting.entries()) this.#lanes.set(lane, extranoncePrefix, NOTHING, 0);
      this.#lanes.run();
      for (const [lane, channel] of waiting.entries()) {
        const root = this.#spare.pop() ?? new Uint8Array(32);
        this.#lanes.root(lane, root);
        this.#roots.set(channel, root);
      }
    }
    waiting.length = 0;
  }

  /** 32 bytes that are good until the next `begin`; `undefined`: not known. */
  rootOf(channel: MiningChannel, job: ExtendedJob): Uint8Array | undefined {
    return job === this.#job ? this.#roots.get(channel) : undefined;
  }
}
