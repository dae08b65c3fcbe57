// Hostile peers against the gateway of a real pool, in short. Some limits are smaller here, so that they are soon reached; `npm run hostile` has
// the usual ones.
import { afterAll, beforeAll, it } from 'vitest';
import { floodCases, type HostileCase, slowCases, together } from './cases.ts';
import { HostilePool } from './hostile-pool.ts';
import { attack } from './suite.ts';

let pool: HostilePool;
beforeAll(async () => {
  pool = await HostilePool.start([
    ...['--connection-rate', '50', '--max-connections-per-address', '400', '--message-rate', '500'],
    ...['--share-deadline', '5'],
  ]);
});
afterAll(() => pool?.stop());

it('peers that take their time', () => attack(pool, together('peers that take their time', slowCases)));

const badShares = ['duplicate-shares', 'invalid-shares', 'wrong-channels', 'old-jobs', 'clock-skew'];
const isBadShares = ({ name }: HostileCase) => badShares.includes(name);

it('shares that cannot be good', () =>
  attack(pool, together('shares that cannot be good', floodCases.filter(isBadShares))));

it.each(floodCases.filter((one) => !isBadShares(one)))('$name', (one) => attack(pool, one));
