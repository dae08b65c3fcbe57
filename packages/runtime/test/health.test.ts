import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Health, type HealthServer, startHealthServer } from '../src/health.ts';
import { JsonRoutes } from '../src/json-routes.ts';
import { createMetrics, defineMetrics, gauge, MetricsRegistry } from '../src/metrics.ts';

let server: HealthServer | undefined;
afterEach(() => server?.close());

async function start(health = new Health(), metrics = new MetricsRegistry(), routes = new JsonRoutes()) {
  server = await startHealthServer({ host: '127.0.0.1', port: 0 }, { health, metrics, routes });
  return async (path: string, init?: RequestInit) => {
    const response = await fetch(`http://127.0.0.1:${server?.port}${path}`, init);
    return { status: response.status, body: await response.text() };
  };
}

describe('health server', () => {
  it('is ready when every check is, and says which is not', async () => {
    const health = new Health();
    let busIsUp = false;
    health.check('jobs', () => undefined);
    health.check('bus', () => (busIsUp ? undefined : 'bus is down'));
    const get = await start(health);
    expect(await get('/readyz')).toEqual({ status: 503, body: 'not ready\nok   jobs\nwait bus: bus is down\n' });
    busIsUp = true;
    expect(await get('/readyz')).toEqual({ status: 200, body: 'ready\nok   jobs\nok   bus\n' });
    health.stopping();
    expect((await get('/readyz')).status).toBe(503);
    expect((await get('/livez')).status).toBe(200);
  });

  it('serves metrics', async () => {
    const metrics = new MetricsRegistry();
    createMetrics(metrics, defineMetrics({ miners: gauge('sluice_test_miners', 'Miners.') })).miners.follow(() => 7);
    const get = await start(new Health(), metrics);
    expect((await get('/metrics')).body).toContain('\nsluice_test_miners 7\n');
  });

  it('keeps a connection for longer than the operator leaves between two requests', async () => {
    await start();
    const { headers } = await fetch(`http://127.0.0.1:${server?.port}/livez`);
    expect(headers.get('keep-alive')).toBe('timeout=20');
  });

  it('serves the routes of its service, and names them', async () => {
    const routes = new JsonRoutes();
    routes.add('/api/v1/echo', (query) => ({ status: query.has('bad') ? 400 : 200, body: { said: query.get('say') } }));
    const get = await start(new Health(), new MetricsRegistry(), routes);
    expect(await get('/api/v1/echo?say=a%20b')).toEqual({ status: 200, body: '{"said":"a b"}\n' });
    expect((await get('/api/v1/echo?bad')).status).toBe(400);
    expect((await get('/api/v1/echo', { method: 'POST' })).status).toBe(405);
    expect(await get('/api/v1/other')).toEqual({
      status: 404,
      body: 'one of /livez /readyz /metrics /api/v1/echo\n',
    });
  });

  it('answers a route that throws with its reason', async () => {
    const routes = new JsonRoutes();
    routes.add('/api/v1/broken', () => {
      throw new Error('out of order');
    });
    const get = await start(new Health(), new MetricsRegistry(), routes);
    expect(await get('/api/v1/broken')).toEqual({ status: 500, body: 'out of order\n' });
  });

  it('refuses what it does not know', async () => {
    const get = await start();
    expect((await get('/')).status).toBe(404);
    expect((await get('/readyz', { method: 'POST' })).status).toBe(405);
  });

  it('names a taken address with a code', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const port = (other.address() as { port: number }).port;
    const modules = { health: new Health(), metrics: new MetricsRegistry() };
    await expect(startHealthServer({ host: '127.0.0.1', port }, modules)).rejects.toMatchObject({
      code: 'listen-failed',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
    other.close();
  });
});
