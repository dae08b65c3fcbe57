// The duplicate window is minutes long: the server is told a shorter one behind the back of the bus.
import { setTimeout as sleep } from 'node:timers/promises';
import { connectNatsBus } from '@sluice/bus/nats/nats-bus';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bytesOf, expectLateRepetition, textOf } from '../support/bus-contract.ts';
import { NatsServer } from '../support/nats-server.ts';

const WINDOW_MS = 500;

let server: NatsServer;
beforeAll(async () => {
  server = await NatsServer.start();
});
afterAll(() => server.dispose());

it('a repetition behind the duplicate window is kept out by its number, over nats-server', async () => {
  const bus = await connectNatsBus({ servers: server.url, maxBytes: { SHARES: 64 * 1_048_576 } });
  const ask = async (verb: string, question: string) =>
    JSON.parse(textOf(await bus.request(`$JS.API.STREAM.${verb}.SHARES`, bytesOf(question), 5_000)));
  await bus.append('SHARES', 'shares.first', bytesOf('x'));
  const { config } = await ask('INFO', '');
  const { error } = await ask('UPDATE', JSON.stringify({ ...config, duplicate_window: WINDOW_MS * 1_000_000 }));
  expect(error).toBeUndefined();
  await expectLateRepetition(bus, () => sleep(2 * WINDOW_MS));
  await bus.close();
});
