// Secrets of a pool that are of no use, over objects in memory.
import { ManualClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { randomBytes } from '@sluice/runtime/random';
import { expect, it } from 'vitest';
import { Children } from '../../src/apply/children.ts';
import { ChildError } from '../../src/apply/errors.ts';
import { Writer } from '../../src/apply/writer.ts';
import type { NatsUsers } from '../../src/bus/nats-users.ts';
import { readAtStart } from '../../src/desired/secret-volume.ts';
import type { KubernetesClient } from '../../src/kubernetes/client.ts';
import { UnwatchedChildren } from '../../src/reconcilers/unwatched-children.ts';
import { examplePool } from '../defaulted.ts';

const pool = examplePool('regtest');
const [node] = pool.spec.nodes;

/** Where each Secret of a node is somebody else's, and the users come to this. */
function childrenWith(ensure: NatsUsers['ensure']) {
  const clock = new ManualClock();
  const request = async () => ({ kind: 'Secret', metadata: { name: 'theirs', namespace: 'mining' } });
  const { signal } = new AbortController();
  const writer = new Writer({ request } as unknown as KubernetesClient, { signal, isHeld: () => true });
  const children = new Children({ writer, caches: new Map(), log: silentLogger(), onForeignFields: () => undefined });
  const unwatched = new UnwatchedChildren({
    clock,
    random: randomBytes,
    natsUsers: { ensure } as unknown as NatsUsers,
  });
  return (live: Record<string, string>) =>
    unwatched.ensure(pool, children, (name) => {
      const uid = live[name];
      const template = { metadata: { annotations: readAtStart(uid ?? '') } };
      return uid === undefined ? undefined : ({ metadata: { name }, spec: { template } } as never);
    });
}

const refused = async () => {
  throw new ChildError('name-conflict', 'Secret demo-nats-users is there already');
};

it('leave pods that there are with the Secrets that they were started with', async () => {
  const { secrets, faults, requeueAfterMs } = await childrenWith(refused)({
    'demo-nats': 'uid-of-system',
    [`demo-node-${node?.name}`]: 'uid-of-node',
  });
  expect(secrets).toEqual({ natsSystem: 'uid-of-system', nodes: new Map([[node?.name, 'uid-of-node']]), unmade: [] });
  expect(faults.map(({ code }) => code)).toEqual(['name-conflict', 'name-conflict']);
  expect(requeueAfterMs).toBe(30_000);
});

it('hold back what would be started without them, and nothing else', async () => {
  const { secrets } = await childrenWith(refused)({});
  expect(secrets.unmade).toEqual(['demo-nats', `demo-node-${node?.name}`]);
});

it('let everything through that is no matter of one Secret', async () => {
  const notLeader = async () => {
    throw new ChildError('not-leader', 'not written');
  };
  await expect(childrenWith(notLeader)({})).rejects.toMatchObject({ code: 'not-leader' });
});
