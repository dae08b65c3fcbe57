// Hostile peers against the gateway of a real pool, in short. Some limits are smaller here, so that they are soon reached; `npm run hostile` has
// the usual ones.
import { afterAll, beforeAll, it } from 'vitest';
import { floodCases, slowCases, together } from './cases.ts';
import { HostilePool } from './hostile-pool.ts';
import { attack } from './suite.ts';

let pool: HostilePool;
beforeAll(async () => {
  pool = await HostilePool.start([
    ...['--connection-rate', '50', '--max-connections-per-address', '300', '--message-rate', '500'],
    ...['--share-deadline', '5'],
  ]);
});
afterAll(() => pool?.stop());

it('peers that take their time', () => attack(pool, together('peers that take their time', slowCases)));

const groups: Readonly<Record<string, readonly string[]>> = {
  'what cannot be good': [
    ...['duplicate-shares', 'invalid-shares', 'wrong-channels', 'old-jobs', 'clock-skew', 'frames-of-16-mb'],
  ],
  storms: ['handshake-storm', 'handshake-storm-behind-a-balancer'],
};
const grouped = Object.values(groups).flat();

it.each([
  ...floodCases.filter(({ name }) => !grouped.includes(name)),
  ...Object.entries(groups).map(([name, names]) =>
    together(
      name,
      floodCases.filter((one) => names.includes(one.name)),
    ),
  ),
])('$name', (one) => attack(pool, one));
