import type { Bus } from '@sluice/bus/bus';
import { BusError } from '@sluice/bus/errors';
import { RangeReply } from '@sluice/bus/payloads/channel';
import { ManualClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { expect, test } from 'vitest';
import { ChannelManagerClient } from '../src/channel-manager-client.ts';

/** A client of channel-managers that fail each request with this error, and for how long each of its requests has waited. */
function clientOf(code: 'bus-timeout' | 'bus-no-responders', patience = Number.POSITIVE_INFINITY) {
  const clock = new ManualClock();
  const waited: number[] = [];
  const request: Bus['request'] = async (_subject, _payload, timeoutMs) => {
    waited.push(timeoutMs);
    clock.advance(code === 'bus-timeout' ? timeoutMs : 1);
    if (waited.length >= patience) clock.advance(60_000);
    throw new BusError(code, 'not now');
  };
  const bus = { request } as Bus;
  return { client: new ChannelManagerClient({ bus, clock, log: silentLogger() }), waited };
}

test('each question that is asked again waits twice as long, and the last one for what is left', async () => {
  const { client, waited } = clientOf('bus-timeout');
  expect(await client.open([], 10_000)).toEqual([]);
  expect(waited).toEqual([1_000, 2_000, 4_000, 2_900]);
});

test('where nobody is there it is asked as often as before', async () => {
  const { client, waited } = clientOf('bus-no-responders', 3);
  expect(await client.open([], 10_000)).toEqual([]);
  expect(waited).toEqual([1_000, 1_000, 1_000]);
});

test('a range that is refused is not asked for again', async () => {
  let asked = 0;
  const request: Bus['request'] = async () => {
    asked += 1;
    return RangeReply.encode({ kind: 'refused', errorCode: 'range-exhausted' });
  };
  const client = new ChannelManagerClient({ bus: { request } as Bus, clock: new ManualClock(), log: silentLogger() });
  await expect(client.range('gw', () => asked > 1)).rejects.toMatchObject({ code: 'gateway-no-range' });
  expect(asked).toBe(1);
});
