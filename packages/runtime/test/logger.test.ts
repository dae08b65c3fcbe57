import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createLogger, type LogFormat } from '../src/logger.ts';

function capture(format: LogFormat) {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  return { log: createLogger({ name: 'gateway', level: 'info', format, destination }), lines };
}

describe('logger', () => {
  it('writes JSON with the service, the level by name and an ISO time', () => {
    const { log, lines } = capture('json');
    log.warn({ port: 3333 }, 'taken');
    const entry = JSON.parse(lines[0] ?? '');
    expect(entry).toMatchObject({ service: 'gateway', level: 'warn', msg: 'taken', port: 3333 });
    expect(entry.time).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  it('writes one calm line of text', () => {
    const { log, lines } = capture('text');
    log.info({ node: 'http://a:1', reason: 'not there' }, 'waiting');
    expect(lines[0]).toMatch(
      /^\d\d:\d\d:\d\d info {2}gateway {2}waiting {2}node=http:\/\/a:1 {2}reason="not there"\n$/,
    );
  });

  it('shows an error by its message', () => {
    const { log, lines } = capture('text');
    log.error({ error: new Error('broken') }, 'failed');
    expect(lines[0]).toContain('failed  error="broken"\n');
  });

  it('never writes key material', () => {
    const { log, lines } = capture('json');
    log.info({ secret: 'mkDL', options: { password: 'hunter2' } }, 'keys');
    expect(lines[0]).not.toMatch(/mkDL|hunter2/);
  });

  it('is silent below its level', () => {
    const { log, lines } = capture('json');
    log.debug('frame');
    expect(lines).toEqual([]);
  });
});
