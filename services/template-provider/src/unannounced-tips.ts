// A wrong address of a node's announcements is no error anywhere: new blocks are only known up to two seconds later, by the poll. Who
// runs the pool is told when that is all that works.
import type { Logger } from '@sluice/runtime/logger';
import { OutageLog } from '@sluice/runtime/outage-log';
import type { NodeSource, TipOrigin } from './node-source.ts';

/** Tips in a row that the poll found first. One may be a matter of moments, or of a reorganisation. */
const TOLD_AFTER = 2;

interface Unannounced {
  inARow: number;
  readonly outage: OutageLog;
}

export class UnannouncedTips {
  readonly #log: Logger;
  /** Nodes that should announce, by name. */
  readonly #nodes: ReadonlyMap<string, Unannounced>;

  constructor(nodes: readonly NodeSource[], modules: { readonly log: Logger; monotonic(): number }) {
    this.#log = modules.log;
    const announcing = nodes.filter(({ announces }) => announces);
    this.#nodes = new Map(
      announcing.map(({ name }) => [name, { inARow: 0, outage: new OutageLog(() => modules.monotonic()) }]),
    );
  }

  onTip(node: string, origin: TipOrigin): void {
    const state = this.#nodes.get(node);
    if (state === undefined || origin === 'start') return;
    if (origin === 'announcement') {
      state.inARow = 0;
      state.outage.over();
      return;
    }
    state.inARow += 1;
    if (state.inARow < TOLD_AFTER) return;
    const message =
      'new tips are found by asking, not by their announcement: compare the zmq address with that of the node';
    this.#log[state.outage.level()]({ node, tips: state.inARow }, message);
  }
}
