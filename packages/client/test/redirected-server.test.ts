import { expect, it } from 'vitest';
import { redirectedServer } from '../src/redirected-server.ts';

it('follows to another host only with an authority key', () => {
  const server = { host: 'a', port: 1, authorityKey: new Uint8Array(32) };
  expect(redirectedServer(server, { newHost: 'b', newPort: 2 })).toMatchObject({ host: 'b', port: 2 });
  expect(redirectedServer(server, { newHost: '', newPort: 0 })).toEqual(server);
  expect(redirectedServer({ host: 'a', port: 1 }, { newHost: 'b', newPort: 2 })).toEqual({ host: 'a', port: 2 });
});
