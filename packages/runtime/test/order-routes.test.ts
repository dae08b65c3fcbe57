import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../src/clock.ts';
import { Health, type HealthServer, startHealthServer } from '../src/health.ts';
import { silentLogger } from '../src/logger.ts';
import { MetricsRegistry } from '../src/metrics.ts';
import { OrderRoutes } from '../src/order-routes.ts';

let server: HealthServer | undefined;
afterEach(() => server?.close());

/** One path, whose route says what was asked of it. */
async function start(token = () => 'first') {
  const orderRoutes = new OrderRoutes({ log: silentLogger(), clock: systemClock });
  const told: string[] = [];
  const said = (method: string) => (query: URLSearchParams) => {
    told.push(method);
    return { status: 200 as const, body: { method, said: query.get('say') } };
  };
  orderRoutes.add('/orders', token, { GET: said('GET'), POST: said('POST'), DELETE: said('DELETE') });
  const modules = { health: new Health(), metrics: new MetricsRegistry(), orderRoutes };
  server = await startHealthServer({ host: '127.0.0.1', port: 0 }, modules);
  const ask = async (method: string, authorization?: string, path = '/orders?say=a%20b') => {
    const headers = authorization === undefined ? {} : { authorization };
    const response = await fetch(`http://127.0.0.1:${server?.port}${path}`, { method, headers });
    return { status: response.status, body: await response.text() };
  };
  return { ask, told };
}

test('each method of a path is its own order', async () => {
  const { ask } = await start();
  for (const method of ['GET', 'POST', 'DELETE'])
    expect(await ask(method, 'Bearer first')).toEqual({ status: 200, body: `{"method":"${method}","said":"a b"}\n` });
  expect((await ask('PUT', 'Bearer first')).status).toBe(405);
  expect((await ask('HEAD', 'Bearer first')).status).toBe(405);
});

test('without its token nothing is done, or told', async () => {
  const { ask, told } = await start();
  for (const authorization of [undefined, '', 'first', 'Basic first', 'Bearer ', 'Bearer firs', 'Bearer first2'])
    for (const method of ['GET', 'POST', 'DELETE', 'PUT'])
      expect(await ask(method, authorization)).toEqual({ status: 401, body: '{"error":"the token is another one"}\n' });
  expect(told).toEqual([]);
});

test('the token of the moment counts, and where there is none nothing is done', async () => {
  let token: string | undefined = 'first';
  const { ask, told } = await start(() => {
    if (token === undefined) throw new Error('there is no token');
    return token;
  });
  token = 'second';
  expect((await ask('POST', 'Bearer first')).status).toBe(401);
  expect((await ask('POST', 'Bearer second')).status).toBe(200);
  token = undefined;
  expect(await ask('POST', 'Bearer second')).toEqual({ status: 500, body: '{"error":"the token cannot be read"}\n' });
  expect(told).toEqual(['POST']);
});

test('a path that is not there is not, whatever the method', async () => {
  const { ask } = await start();
  const body = 'one of /livez /readyz /metrics /orders\n';
  for (const method of ['GET', 'POST', 'DELETE'])
    expect(await ask(method, 'Bearer first', '/other')).toEqual({ status: 404, body });
  expect((await ask('POST', 'Bearer first', '/readyz')).status).toBe(405);
});
