import { expect, it } from 'vitest';
import { durabilityOf, durabilityTrouble } from '../src/nats/server-durability.ts';

const always = { always: true, intervalSeconds: 0 };
const later = { always: false, intervalSeconds: 120 };

it.each([
  [[], {}, 'unknown', undefined],
  [['a'], { a: always }, 'synced', undefined],
  [['a', 'b'], { a: always, b: later }, 'not-synced', /not synced: server b has sync_interval 120s, not always$/],
  [['a', 'b'], { a: always }, 'unknown', /unknown: .* server b$/],
  [['a'], { b: later }, 'unknown', /unknown: .* server a$/],
] as const)('streams on %j with %j are %s', (names, settings, durability, trouble) => {
  const holders = new Set<string>(names);
  const told = new Map(Object.entries(settings));
  expect(durabilityOf(holders, told)).toBe(durability);
  if (trouble === undefined) expect(durabilityTrouble(holders, told)).toBeUndefined();
  else expect(durabilityTrouble(holders, told)).toMatch(trouble);
});
