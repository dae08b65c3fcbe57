// The flags of `npm run hostile`.
import { type ConfigOf, defineConfig } from '@sluice/runtime/config';
import { decimal, integer, listOf, oneOf, path, toggle } from '@sluice/runtime/config/value-types';
import { floodCases, floodV1Cases, slowCases, slowV1Cases } from './cases.ts';

/** With the usual limits the rate of an address comes first: whoever does not go on is closed before five thousand are there. */
const onlyInShort = ['connections-of-one-address'];
export const poolCases = [...slowCases, ...floodCases].filter(({ name }) => !onlyInShort.includes(name));
export const proxyCases = [...slowV1Cases, ...floodV1Cases];
const names = [...poolCases, ...proxyCases].map(({ name }) => name);

export const hostileSettings = defineConfig({
  seconds: {
    type: decimal({ min: 0.5, max: 600 }),
    default: 3,
    doc: 'How long honest miners are looked at, at a time; what they feel is that of the worst time.',
  },
  windows: {
    type: integer({ min: 2, max: 1_000 }),
    default: 4,
    doc: 'Such times during an attack; half as many before.',
  },
  cases: { type: listOf(oneOf(names)), default: [], doc: 'Only these; no document is written.' },
  unpinned: {
    type: toggle(),
    default: false,
    doc: 'Leaves it to the system which cores everything runs on; without it honest miners and attackers have half of them to themselves.',
  },
  document: { type: path(), default: 'docs/performance.md', doc: 'Whose section between the markers is written.' },
});
export type HostileConfig = ConfigOf<typeof hostileSettings>;
