import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Health, type HealthServer, startHealthServer } from '../src/health.ts';
import { createMetrics, defineMetrics, gauge, MetricsRegistry } from '../src/metrics.ts';

let server: HealthServer | undefined;
afterEach(() => server?.close());

async function start(health = new Health(), metrics = new MetricsRegistry()) {
  server = await startHealthServer({ host: '127.0.0.1', port: 0 }, { health, metrics });
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
