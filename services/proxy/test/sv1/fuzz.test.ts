// No input makes the SV1 side throw, and whatever it answers is lines of JSON.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dialects } from '../../../../packages/sv1/test/dialects.ts';
import { TestServer, turn } from './support/test-server.ts';

const sent = dialects.flatMap(({ exchanges }) => exchanges.map(({ sends }) => sends));
const methods = [
  'mining.configure',
  'mining.subscribe',
  'mining.authorize',
  'mining.submit',
  'mining.suggest_difficulty',
  'mining.suggest_target',
  'mining.extranonce.subscribe',
  'mining.get_transactions',
  'mining.ping',
  'pong',
  'constructor',
  '__proto__',
];

/** A request of any form, a line of a real client with a hole in it, or any text at all. */
const line = fc.oneof(
  fc
    .record({ id: fc.jsonValue(), method: fc.constantFrom(...methods), params: fc.array(fc.jsonValue()) })
    .map((request) => JSON.stringify(request)),
  fc.constantFrom(...sent),
  fc
    .tuple(fc.constantFrom(...sent), fc.nat(200), fc.string({ maxLength: 4 }))
    .map(([text, at, wedge]) => text.slice(0, at) + wedge + text.slice(at + 2)),
  fc.json({ maxDepth: 4 }),
  fc.string(),
);

test('any lines in any pieces', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 20 }),
      fc.array(fc.nat(120), { maxLength: 30 }),
      async (lines, cuts) => {
        const server = new TestServer();
        server.farm.makeJob();
        const client = server.connect();
        // What begins with a line of JSON is Stratum V1.
        let rest = Buffer.from(`${['{"id":0,"method":"mining.ping"}', ...lines].join('\n')}\n`);
        for (const cut of cuts) {
          client.socket.write(rest.subarray(0, cut));
          rest = rest.subarray(cut);
        }
        client.socket.write(rest);
        await turn();
        for (const text of client.received) expect(JSON.parse(text)).toBeTypeOf('object');
        expect(client.received[0]).toBe('{"id":0,"result":"pong","error":null}');
        expect(server.counters.closed['handler-failed']).toBe(0);
        expect(server.logged.filter(({ msg }) => msg === 'a message could not be handled')).toEqual([]);
        client.socket.destroy();
        await turn();
        expect(server.server.sessions.size).toBe(0);
        expect(server.farm.places.every(({ closed }) => closed)).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});

test('any bytes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 10 }), async (chunks) => {
      const server = new TestServer();
      const client = server.connect();
      for (const chunk of chunks) client.socket.write(chunk);
      await turn();
      expect(server.counters.closed['handler-failed']).toBe(0);
      server.stop();
      expect(server.server.sessions.size).toBe(0);
    }),
    { numRuns: 300 },
  );
});
