// Hostile miners of Stratum V1 against the proxy, in short.
import { afterAll, beforeAll, it } from 'vitest';
import { floodV1Cases, slowV1Cases, together } from './cases.ts';
import { HostileProxy } from './hostile-proxy.ts';
import { attack } from './suite.ts';

let proxy: HostileProxy;
beforeAll(async () => {
  proxy = await HostileProxy.start(['--connection-rate', '200']);
});
afterAll(() => proxy?.stop());

it('miners that take their time', () => attack(proxy, together('miners that take their time', slowV1Cases)));

it('what cannot be good', () => attack(proxy, together('what cannot be good', floodV1Cases)));
