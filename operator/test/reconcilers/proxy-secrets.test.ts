import { ManualClock } from '@sluice/runtime/clock';
import { expect, it } from 'vitest';
import { Writer } from '../../src/apply/writer.ts';
import type { ApiRequest, KubernetesClient } from '../../src/kubernetes/client.ts';
import { errorOfStatus } from '../../src/kubernetes/errors.ts';
import { ProxySecrets } from '../../src/reconcilers/proxy-secrets.ts';
import { exampleProxyFleet } from '../defaulted.ts';

it('are asked for when the fleet has changed, while one is missing, and else every two minutes', async () => {
  const example = exampleProxyFleet('farm');
  const [upstream] = example.spec.upstreams;
  const reference = { name: 'password', key: 'password' };
  const spec = { ...example.spec, upstreams: [{ ...upstream, name: 'first', credentialsSecretRef: reference }] };
  const fleet = (generation: number) => ({ ...example, spec, metadata: { ...example.metadata, generation } }) as never;
  const clock = new ManualClock();
  let asked = 0;
  let data: Record<string, string> | undefined;
  const request = async ({ path }: ApiRequest) => {
    expect(path).toBe('/api/v1/namespaces/mining/secrets/password');
    asked += 1;
    if (data === undefined) throw errorOfStatus(404, 'there is none');
    return { metadata: { name: 'password' }, data };
  };
  const { signal } = new AbortController();
  const writer = new Writer({ request } as unknown as KubernetesClient, { signal, isHeld: () => true });
  const secrets = new ProxySecrets({ writer, clock });
  const look = async (generation = 1) => [await secrets.missing(fleet(generation)), asked];

  expect(await look()).toEqual([['upstream first: there is no Secret password'], 1]);
  data = {};
  expect(await look()).toEqual([['upstream first: there is no Secret password'], 1]);
  clock.advance(15_000);
  expect(await look()).toEqual([['upstream first: Secret password has no key password'], 2]);
  data = { password: 'eA==' };
  clock.advance(15_000);
  expect(await look()).toEqual([[], 3]);
  clock.advance(119_000);
  expect(await look()).toEqual([[], 3]);
  clock.advance(1_000);
  expect(await look()).toEqual([[], 4]);
  expect(await look(2)).toEqual([[], 5]);
});

it('are those of passwords, of the authority of pools and of the certificate of listeners, each with what is missing in it', async () => {
  const example = exampleProxyFleet('farm-by-tls');
  const [upstream] = example.spec.upstreams;
  const credentialsSecretRef = { name: 'password', key: 'password' };
  const upstreamCASecretRef = { name: 'authority', key: 'ca.crt' };
  const spec = { ...example.spec, upstreams: [{ ...upstream, credentialsSecretRef }], upstreamCASecretRef };
  const found: Readonly<Record<string, object>> = { authority: {}, 'hall-4-tls': { 'tls.crt': 'eA==' } };
  const request = async ({ path }: ApiRequest) => {
    const data = found[path.split('/').at(-1) ?? ''];
    if (data === undefined) throw errorOfStatus(404, 'there is none');
    return { data };
  };
  const { signal } = new AbortController();
  const writer = new Writer({ request } as unknown as KubernetesClient, { signal, isHeld: () => true });
  const secrets = new ProxySecrets({ writer, clock: new ManualClock() });
  expect(await secrets.missing({ ...example, spec } as never)).toEqual([
    'upstream first: there is no Secret password',
    'upstreamCASecretRef: Secret authority has no key ca.crt',
    'listener tls: Secret hall-4-tls has no key tls.key',
  ]);
});
