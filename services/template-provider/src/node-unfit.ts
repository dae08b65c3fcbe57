// A node that must not be used for what it is, not for how it fares.
import type { NodeTrouble } from './node-source.ts';

const unfitness = {
  'clock-skew': "its clock and this host's differ by more than 30 s: set both by NTP",
  'wrong-network': 'it is on another network than the pool',
  'signet-challenge':
    'blocks of its signet need a signature: only a signet whose challenge is OP_TRUE (51) can be mined',
} as const;
export type Unfitness = keyof typeof unfitness;

/** Whether the node can never be used as it is. */
export const isUnfit = (trouble: NodeTrouble): trouble is Unfitness => trouble in unfitness;

/** Nothing is started beside such a node. */
export class NodeUnfit extends Error {
  override readonly name = 'NodeUnfit';
  readonly code: Unfitness;

  constructor(node: string, trouble: Unfitness) {
    super(`node ${node} cannot be used: ${unfitness[trouble]}`);
    this.code = trouble;
  }
}
