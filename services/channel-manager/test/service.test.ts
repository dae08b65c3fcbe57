import { MAX_TARGET, targetOfDifficulty } from '@sluice/bitcoin/target';
import type { Bus } from '@sluice/bus/bus';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import {
  ChannelClosed,
  OpenReply,
  OpenRequest,
  OperatorClose,
  OperatorCloseReply,
  RangeReply,
  RangeRequest,
} from '@sluice/bus/payloads/channel';
import { Control, Heartbeat } from '@sluice/bus/payloads/control';
import { subjectName } from '@sluice/bus/subjects';
import { LAST_EXTRANONCE_RANGE } from '@sluice/mining/extranonce';
import { ManualClock } from '@sluice/runtime/clock';
import { Health } from '@sluice/runtime/health';
import { silentLogger } from '@sluice/runtime/logger';
import { MetricsRegistry } from '@sluice/runtime/metrics';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeRange } from '../src/extranonce-counter.ts';
import { GATEWAY_SILENCE_MS, Registry } from '../src/registry.ts';
import { createChannelManagerService } from '../src/service.ts';

const request: OpenRequest = {
  incarnation: 1n,
  connectionId: 1,
  channelId: 2,
  kind: 1,
  identity: 'alice.rig',
  nominalHashrate: 1e12,
  maxTarget: MAX_TARGET,
  minExtranonceSize: 0,
  remoteAddress: '127.0.0.1',
  vendor: 'x',
};

describe('channel-manager', () => {
  let bus: Bus;
  const clock = new ManualClock();
  const running: { stop(): Promise<void> }[] = [];

  beforeEach(async () => {
    bus = await createInProcessBus({ clock });
  });
  afterEach(async () => {
    for (const service of running.splice(0)) await service.stop();
    await bus.close();
  });

  async function replica() {
    const service = createChannelManagerService(
      {
        policy: {
          sharesPerMinute: 6,
          hardestTarget: targetOfDifficulty(1e12),
          easiestTarget: targetOfDifficulty(0.001),
          unknownHashrate: 1e12,
          trustedHashrate: 1e15,
        },
      },
      { bus, clock, log: silentLogger(), metrics: new MetricsRegistry(), health: new Health() },
    );
    running.push(service);
    await service.start();
  }

  it('opens, registers and forgets a channel', async () => {
    await replica();
    const reply = OpenReply.decode(await bus.request(subjectName('channelOpen'), OpenRequest.encode(request), 1_000));
    expect(reply).toMatchObject({ kind: 'opened', identity: 'alice', worker: 'rig' });
    const kv = await bus.kv('channels');
    expect(await kv.keys()).toEqual(['1.1.2']);
    const closed = ChannelClosed.encode({ incarnation: 1n, connectionId: 1, channelId: 2, reason: '' });
    await bus.request(subjectName('channelClose'), closed, 1_000);
    expect(await kv.keys()).toEqual([]);
  });

  it('gives no range twice, though replicas are asked at once', async () => {
    await replica();
    await replica();
    await replica();
    const ask = async () => {
      const reply = RangeReply.decode(
        await bus.request(subjectName('extranonceRange'), RangeRequest.encode({ incarnationLabel: 'g' }), 5_000),
      );
      return reply.kind === 'granted' ? reply.incarnation : undefined;
    };
    const ranges = await Promise.all(Array.from({ length: 40 }, ask));
    expect(new Set(ranges).size).toBe(40);
    expect(ranges).not.toContain(undefined);
  });

  it('stops at the last range instead of wrapping, and never starts an unreadable counter again', async () => {
    const kv = await bus.kv('extranonce');
    await kv.create('range', Buffer.from(String(LAST_EXTRANONCE_RANGE - 1)));
    expect(await takeRange(kv)).toBe(LAST_EXTRANONCE_RANGE);
    expect(await takeRange(kv)).toBeUndefined();
    await kv.put('range', Buffer.from('nonsense'));
    await expect(takeRange(kv)).rejects.toThrow(/unreadable/);
  });

  it('has the channels of an account closed by their gateways', async () => {
    await replica();
    for (const channelId of [2, 3]) {
      await bus.request(subjectName('channelOpen'), OpenRequest.encode({ ...request, channelId }), 1_000);
    }
    await bus.request(
      subjectName('channelOpen'),
      OpenRequest.encode({ ...request, identity: 'bob', channelId: 4 }),
      1_000,
    );
    const orders: Control[] = [];
    bus.subscribe('control.1', (payload) => void orders.push(Control.decode(payload)));
    const order = { account: 'alice', incarnation: 0n, connectionId: 0, channelId: 0, reason: 'left' };
    const reply = OperatorCloseReply.decode(
      await bus.request(subjectName('operatorClose'), OperatorClose.encode(order), 1_000),
    );
    expect(reply.channels).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(orders.map((control) => control.kind === 'closeChannel' && control.channelId).sort()).toEqual([2, 3]);
  });

  it('removes the channels of a gateway that fell silent, and of no other', async () => {
    const kv = await bus.kv('channels');
    const registry = new Registry(kv, clock);
    const channel = { account: 'alice', worker: '', remoteAddress: '', vendor: '', openedAtMs: 0 };
    registry.add({ incarnation: 1n, connectionId: 1, channelId: 1 }, channel);
    registry.add({ incarnation: 2n, connectionId: 1, channelId: 1 }, channel);
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await registry.sweep()).toBe(0);
    clock.advance(GATEWAY_SILENCE_MS + 1);
    registry.beat(2n);
    expect(await registry.sweep()).toBe(1);
    expect(await kv.keys()).toEqual(['2.1.1']);
  });

  it('takes no bytes that are no heartbeat for one', async () => {
    await replica();
    bus.publish('heartbeat.connection-gateway.x', new Uint8Array([9, 9]));
    bus.publish(
      'heartbeat.connection-gateway.x',
      Heartbeat.encode({
        service: 'connection-gateway',
        instance: 'x',
        incarnation: 1n,
        ready: true,
        connections: 0,
        channels: 0,
        feed: 0n,
        atMicros: 0n,
        troubles: [],
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(
      OpenReply.decode(await bus.request(subjectName('channelOpen'), OpenRequest.encode(request), 1_000)).kind,
    ).toBe('opened');
  });
});
