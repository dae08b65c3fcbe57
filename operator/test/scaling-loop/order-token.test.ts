import { ManualClock } from '@sluice/runtime/clock';
import { expect, it } from 'vitest';
import type { Children } from '../../src/apply/children.ts';
import { ownedGateways } from '../../src/desired/gateways.ts';
import { OrderToken } from '../../src/scaling-loop/order-token.ts';
import { examplePool } from '../defaulted.ts';

const owned = ownedGateways(examplePool('regtest'));

/** Of a Secret that is made anew each time that it is looked at. */
function tokens() {
  const clock = new ManualClock();
  let made = 0;
  const createOnce = async () => {
    made += 1;
    return { metadata: { name: 'demo-gw-orders' }, data: { token: Buffer.from(`token ${made}`).toString('base64') } };
  };
  return { clock, token: new OrderToken({ createOnce } as unknown as Children, clock) };
}

it('is looked at every ten minutes, and twice a minute while a pod may wait for it', async () => {
  const { clock, token } = tokens();
  expect(await token.of(owned, false)).toBe('token 1');
  clock.advance(599_000);
  expect(await token.of(owned, false)).toBe('token 1');
  expect(await token.of(owned, true)).toBe('token 2');
  clock.advance(29_000);
  expect(await token.of(owned, true)).toBe('token 2');
  clock.advance(1_000);
  expect(await token.of(owned, true)).toBe('token 3');
  clock.advance(600_000);
  expect(await token.of(owned, false)).toBe('token 4');
});

it('is looked at twice a minute while a pod does not answer with it, and as seldom as before when another one stands there', async () => {
  const { clock, token } = tokens();
  expect(await token.of(owned, false)).toBe('token 1');
  token.refused();
  expect(await token.of(owned, false)).toBe('token 1');
  clock.advance(30_000);
  expect(await token.of(owned, false)).toBe('token 2');
  clock.advance(599_000);
  expect(await token.of(owned, false)).toBe('token 2');
});

it('is looked at at once when a pod does not take an order with it', async () => {
  const { token } = tokens();
  expect(await token.of(owned, false)).toBe('token 1');
  token.forget();
  expect(await token.of(owned, false)).toBe('token 2');
});
