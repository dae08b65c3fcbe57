import { describe, expect, it } from 'vitest';
import { endpoints } from '../../src/reconcilers/endpoints.ts';
import { examplePool } from '../defaulted.ts';

const pool = examplePool('regtest');
const KEY = '9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72';
const [listener] = pool.spec.gateways.listeners;
if (listener === undefined) throw new Error('the example has no listener');

type Listener = typeof listener;

/** The lines of a fleet with one listener, whose Service is as given. */
const lines = (service: object | undefined, key: string | undefined = KEY, change: Partial<Listener> = {}) =>
  endpoints(
    {
      ...{ owner: pool, infix: 'gw', component: 'connection-gateway' },
      fleet: { ...pool.spec.gateways, listeners: [{ ...listener, ...change }] },
    },
    (name) => (name === 'demo-gw-sv2' && service !== undefined ? { metadata: { name }, ...service } : undefined),
    key,
  ).map(({ uri }) => uri);

const balancer = (...ingress: readonly object[]) => ({
  spec: { type: 'LoadBalancer', ports: [{ nodePort: 30_336 }] },
  status: { loadBalancer: { ingress } },
});

describe('where miners are pointed at', () => {
  it.each<[string, object, string]>([
    ['inside of the cluster', { spec: { type: 'ClusterIP' } }, 'demo-gw-sv2.mining.svc:3336'],
    ['a port of each node', { spec: { type: 'NodePort', ports: [{ nodePort: 30_336 }] } }, 'NODE:30336'],
    ['the name of a load balancer', balancer({ hostname: 'lb.example' }, { ip: '192.0.2.1' }), 'lb.example:3336'],
    ['its address', balancer({ ip: '192.0.2.1' }), '192.0.2.1:3336'],
    ['its address of IPv6', balancer({ ip: '2001:db8::1' }), '[2001:db8::1]:3336'],
  ])('is %s', (_where, service, address) => {
    expect(lines(service)).toEqual([`stratum2+tcp://${address}/${KEY}`]);
    expect(lines(service, KEY, { protocol: 'SV1' })).toEqual([`stratum+tcp://${address}`]);
    const tls = { secretRef: { name: 'certificate' } };
    expect(lines(service, KEY, { protocol: 'SV1', tls })).toEqual([`stratum+ssl://${address}`]);
  });

  it('is nowhere without a Service, without an address, and with Stratum V2 without a key', () => {
    expect(lines(undefined)).toEqual([]);
    expect(lines(balancer())).toEqual([]);
    const inside = { spec: { type: 'ClusterIP' } };
    const without = endpoints(
      { ...{ owner: pool, infix: 'gw', component: 'connection-gateway' }, fleet: pool.spec.gateways },
      (name) => ({ metadata: { name }, ...inside }),
      undefined,
    );
    expect(without).toEqual([]);
  });
});
