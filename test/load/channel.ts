// One channel: its work, the shares on their way, and how many more are wanted.
import { InFlight } from './in-flight.ts';
import type { SearchedWork } from './share-search.ts';

export interface ChannelOpening {
  readonly id: number;
  readonly groupId: number;
  readonly prefix: Uint8Array;
  readonly extranonceSize: number;
}

/** On a connection of Stratum V1: its only one. */
export class LoadChannel<Work extends SearchedWork = SearchedWork> {
  readonly id: number;
  groupId: number;
  readonly prefix: Uint8Array;
  readonly extranonceSize: number;
  readonly work: Work;
  readonly inFlight = new InFlight();
  acknowledged = 0;
  /** Shares to be sent as soon as they are found. */
  owed = 0;
  /** Answers in what was read last. */
  answered = 0;
  /** It waits for its turn to search on. */
  searching = false;
  /** The last share that was sent before the present tip came. */
  lastBeforeTip = 0;

  constructor({ id, groupId, prefix, extranonceSize }: ChannelOpening, work: Work) {
    this.id = id;
    this.groupId = groupId;
    this.prefix = prefix;
    this.extranonceSize = extranonceSize;
    this.work = work;
  }
}
