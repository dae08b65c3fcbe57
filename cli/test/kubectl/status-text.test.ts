import { describe, expect, it } from 'vitest';
import type { Pod } from '../../src/kubectl/cluster.ts';
import { connectionsIn, podState, type ResourceState } from '../../src/kubectl/status.ts';
import { type Paint, since, statusText } from '../../src/kubectl/status-text.ts';

const NOW_MS = Date.parse('2026-01-01T02:00:00Z');
const plain: Paint = (_, text) => text;

function pod(
  name: string,
  component: string,
  parts: { annotations?: Record<string, string>; status?: object } = {},
): Pod {
  const labels = { 'app.kubernetes.io/managed-by': 'sluice-operator', 'app.kubernetes.io/component': component };
  const metadata = { name, labels, annotations: parts.annotations ?? {}, creationTimestamp: '2026-01-01T00:30:00Z' };
  return { metadata, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], ...parts.status } };
}
const stateOf = (...given: Parameters<typeof pod>) => podState(pod(...given), undefined).state;

const pool: ResourceState = {
  ...{ kind: 'MiningPool', namespace: 'mining', name: 'main', isPaused: true, isBeingDeleted: false },
  authorityPublicKey: undefined,
  fleet: { replicas: 1, desired: 2, draining: 1, connections: 340 },
  conditions: [
    { type: 'Ready', status: 'False', lastTransitionTime: '2026-01-01T01:59:00Z', reason: 'PodsNotReady', message: '' },
    {
      type: 'Degraded',
      status: 'False',
      lastTransitionTime: '2026-01-01T00:00:00Z',
      reason: 'AsExpected',
      message: '',
    },
  ],
  endpoints: [{ listener: 'sv2', uri: 'stratum2+tcp://pool.example:3336/9key' }],
  upstreams: [],
  pods: [
    podState(pod('main-gw-1', 'connection-gateway'), 340),
    podState(pod('main-cm-1', 'channel-manager'), undefined),
  ],
};

describe('the state of a resource', () => {
  it('is one line and a table of each thing that there is', () => {
    expect(statusText(pool, NOW_MS, plain)).toBe(
      `
MiningPool mining/main: not ready, paused, 1 of 2 gateways, 1 on their way out, 340 connections

  CONDITION   STATUS   SINCE   REASON         MESSAGE
  Ready       False    60s     PodsNotReady
  Degraded    False    2h      AsExpected

  LISTENER   URL OF MINERS
  sv2        stratum2+tcp://pool.example:3336/9key

  POD         PROGRAM              READY   STATE       CONNECTIONS   AGE
  main-gw-1   connection-gateway   yes     accepting   340           90m
  main-cm-1   channel-manager      yes     running     -             90m
`.trim(),
    );
  });

  it('has colours that move no column', () => {
    const paint: Paint = (_, text) => `\u001b[31m${text}\u001b[39m`;
    const painted = statusText(pool, NOW_MS, paint);
    expect(painted).not.toBe(statusText(pool, NOW_MS, plain));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what colours are made of.
    expect(painted.replace(/\u001b\[\d+m/g, '')).toBe(statusText(pool, NOW_MS, plain));
  });

  it('says of a pod how far it is on its way, or why it does not run', () => {
    const of = (annotation: string) => ({ annotations: { [`mining.sluice.dev/${annotation}`]: 'true' } });
    expect(stateOf('one', 'proxy', of('drain'))).toBe('asked to go');
    expect(stateOf('one', 'proxy', of('closed-at'))).toBe('closed');
    expect(stateOf('one', 'proxy', of('rebalance-keep'))).toBe('rebalancing');
    expect(stateOf('one', 'nats', of('closed-at'))).toBe('running');
    expect(stateOf('one', 'proxy', { status: { conditions: [] } })).toBe('not ready');
    const waiting = { state: { waiting: { reason: 'ImagePullBackOff' } } };
    expect(stateOf('one', 'proxy', { status: { phase: 'Pending', containerStatuses: [waiting] } })).toBe(
      'ImagePullBackOff',
    );
    expect(stateOf('one', 'proxy', { status: { phase: 'Pending' } })).toBe('Pending');
  });

  it('counts the connections of all listeners, and knows none where there is no such metric', () => {
    expect(connectionsIn('# HELP x\nsluice_proxy_sv1_connections 3\nsluice_proxy_sv2_connections 4\n')).toBe(7);
    expect(connectionsIn('sluice_gateway_connections_accepted_total 9\n')).toBeUndefined();
  });

  it.each([
    ['2026-01-01T01:59:59Z', '1s'],
    ['2026-01-01T00:00:01Z', '119m'],
    ['2025-12-31T02:00:00Z', '24h'],
    ['2025-12-01T02:00:00Z', '31d'],
    [undefined, '-'],
  ])('is since %s for %s', (time, text) => expect(since(time, NOW_MS)).toBe(text));
});
