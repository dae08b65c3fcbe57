// Requests on a server of their own: when they leave.
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { MetricsRegistry } from '@sluice/runtime/metrics';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeTlsPair } from '../../../test/support/tls-certificate.ts';
import { Writer } from '../../src/apply/writer.ts';
import { KubernetesClient } from '../../src/kubernetes/client.ts';
import type { Credentials } from '../../src/kubernetes/cluster-access.ts';

/** As many as are under way at once. */
const MAX_CONNECTIONS = 16;
const pair = makeTlsPair();
const credentials: Credentials = { headers: {}, ca: pair.certificate };
const asked = (path: string) => ({ method: 'POST', path, body: {} }) as const;

let server: Server;
let client: KubernetesClient;
let came: string[];
/** Answers what has come so far. */
let answers: (() => void)[];

beforeEach(async () => {
  [came, answers] = [[], []];
  server = createServer({ cert: pair.certificate, key: pair.key }, (incoming, outgoing) => {
    came.push(incoming.url ?? '');
    answers.push(() => outgoing.end('{}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  client.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** Writes of a leader. @param handOut credentials for each request */
function writerWhile(isHeld: () => boolean, handOut: () => Promise<Credentials> = async () => credentials): Writer {
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const access = { url, namespace: 'default', credentials: handOut };
  client = new KubernetesClient(access, { metrics: new MetricsRegistry() });
  return new Writer(client, { isHeld, signal: new AbortController().signal });
}

it('a write does not leave when the lease was lost while its credentials were handed out', async () => {
  let isHeld = true;
  const writer = writerWhile(
    () => isHeld,
    async () => {
      isHeld = false;
      return credentials;
    },
  );
  await expect(writer.write(asked('/a'))).rejects.toMatchObject({ code: 'not-leader' });
  expect(came).toEqual([]);
});

it('nor when it was lost while its connection was made', async () => {
  let isHeld = true;
  server.on('connection', () => {
    isHeld = false;
  });
  const writer = writerWhile(() => isHeld);
  await expect(writer.write(asked('/a'))).rejects.toMatchObject({ code: 'not-leader' });
  expect(came).toEqual([]);
});

it('nor when it was lost while others had all connections', async () => {
  let isHeld = true;
  const writer = writerWhile(() => isHeld);
  const writes = Array.from({ length: MAX_CONNECTIONS + 1 }, (_, number) => writer.write(asked(`/${number}`)));
  const ended = Promise.allSettled(writes);
  await expect.poll(() => came.length, { timeout: 15_000 }).toBe(MAX_CONNECTIONS);
  isHeld = false;
  for (const answer of answers) answer();
  const results = await ended;
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(MAX_CONNECTIONS);
  expect(results.at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'not-leader' } });
  expect(came).toHaveLength(MAX_CONNECTIONS);
});
