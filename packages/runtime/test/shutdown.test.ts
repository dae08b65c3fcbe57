import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createLogger, silentLogger } from '../src/logger.ts';
import { Shutdown } from '../src/shutdown.ts';

describe('shutdown', () => {
  it('undoes what was started last first, each once', async () => {
    const order: string[] = [];
    const shutdown = new Shutdown(silentLogger());
    shutdown.add('bus', () => void order.push('bus'));
    shutdown.add('service', async () => void order.push('service'));
    expect(await Promise.all([shutdown.run(), shutdown.run()])).toEqual([true, true]);
    expect(order).toEqual(['service', 'bus']);
  });

  it('goes on after a step that fails or hangs, and tells', async () => {
    const order: string[] = [];
    const lines: string[] = [];
    const destination = new Writable({
      write(chunk, _encoding, done) {
        lines.push(String(chunk));
        done();
      },
    });
    const shutdown = new Shutdown(createLogger({ name: 'test', level: 'info', format: 'json', destination }));
    shutdown.add('last', () => void order.push('last'));
    shutdown.add('fails', () => {
      throw new Error('no');
    });
    shutdown.add('hangs', () => new Promise(() => undefined), 10);
    expect(await shutdown.run()).toBe(false);
    expect(order).toEqual(['last']);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { step: 'hangs', reason: 'stop-timeout: not done after 10 ms' },
      { step: 'fails', reason: 'no' },
    ]);
  });

  it('does not end well when something has failed', async () => {
    const shutdown = new Shutdown(silentLogger());
    shutdown.fail('uncaughtException');
    expect(await shutdown.requested()).toBe('uncaughtException');
    expect(await shutdown.run()).toBe(false);
  });

  it('tells why it was requested, the first time', async () => {
    const shutdown = new Shutdown(silentLogger());
    shutdown.request('SIGTERM');
    shutdown.request('SIGINT');
    expect(await shutdown.requested()).toBe('SIGTERM');
  });
});
