import { MAX_TARGET, targetOfDifficulty } from '@sluice/bitcoin/target';
import type { Bus, Kv } from '@sluice/bus/bus';
import { BusError } from '@sluice/bus/errors';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import {
  Acknowledgement,
  ChannelBlock,
  ChannelClosed,
  OpenReplies,
  OpenReply,
  OpenRequest,
  OpenRequests,
  OperatorClose,
  OperatorCloseReply,
  RangeReply,
  RangeRequest,
  type WantedChannel,
} from '@sluice/bus/payloads/channel';
import { Control, Heartbeat } from '@sluice/bus/payloads/control';
import { subjectName } from '@sluice/bus/subjects';
import { LAST_EXTRANONCE_RANGE } from '@sluice/mining/extranonce';
import { ManualClock } from '@sluice/runtime/clock';
import { Health } from '@sluice/runtime/health';
import { silentLogger } from '@sluice/runtime/logger';
import { MetricsRegistry } from '@sluice/runtime/metrics';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { takeRange } from '../src/extranonce-counter.ts';
import { GATEWAY_SILENCE_MS, Registry, SWEEP_MS } from '../src/registry.ts';
import { createChannelManagerService } from '../src/service.ts';

const wanted: WantedChannel = { identity: 'alice.rig', nominalHashrate: 1e12, maxTarget: MAX_TARGET };

/** A block with a channel for each account. */
function blockOf(incarnation: bigint, block: number, accounts: readonly string[]): ChannelBlock {
  const channels = accounts.map((account, index) => ({
    ...{ connectionId: 1, channelId: 2 + index, account, worker: 'rig', remoteAddress: '127.0.0.1', vendor: 'x' },
    openedAtMs: 1_700_000_000_000,
  }));
  return { incarnation, block, channels };
}

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

  async function replica(over: Bus = bus) {
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
      { bus: over, clock, log: silentLogger(), metrics: new MetricsRegistry(), health: new Health() },
    );
    running.push(service);
    await service.start();
  }

  async function open(opens: readonly WantedChannel[]): Promise<readonly OpenReply[]> {
    return OpenReplies.decode(await bus.request(subjectName('channelOpen'), OpenRequests.encode(opens), 1_000));
  }

  async function register(block: ChannelBlock): Promise<void> {
    const answer = await bus.request(subjectName('channelBlock'), ChannelBlock.encode(block), 1_000);
    Acknowledgement.decode(answer);
  }

  it('decides about each channel of a question, in their order', async () => {
    await replica();
    const replies = await open([wanted, { ...wanted, identity: '' }, { ...wanted, identity: 'bob' }]);
    expect(replies).toMatchObject([
      { kind: 'opened', identity: 'alice', worker: 'rig' },
      { kind: 'refused', errorCode: 'invalid-user-identity' },
      { kind: 'opened', identity: 'bob', worker: '' },
    ]);
    expect(await open([])).toEqual([]);
  });

  it('waits for a bus that is away when it starts', async () => {
    const kv = vi.fn(bus.kv.bind(bus)).mockRejectedValueOnce(new BusError('bus-timeout', 'away'));
    const over = new Proxy(bus, {
      get(target, key) {
        const value = Reflect.get(target, key, target);
        return key === 'kv' ? kv : typeof value === 'function' ? value.bind(target) : value;
      },
    });
    await replica(over);
    expect(kv.mock.calls.slice(0, 3)).toEqual([['channels'], ['channels'], ['extranonce']]);
    expect(await open([wanted])).toMatchObject([{ kind: 'opened' }]);
  });

  it('answers gateways of the release before', async () => {
    await replica();
    const name = { incarnation: 1n, connectionId: 1, channelId: 2 };
    const peer = { kind: 1, minExtranonceSize: 0, remoteAddress: '127.0.0.1', vendor: 'x' };
    const request = OpenRequest.encode({ ...name, ...peer, ...wanted });
    const reply = OpenReply.decode(await bus.request(subjectName('channelOpen'), request, 1_000));
    expect(reply).toEqual((await open([wanted]))[0]);
    const closed = ChannelClosed.encode({ ...name, reason: '' });
    Acknowledgement.decode(await bus.request(subjectName('channelClose'), closed, 1_000));
  });

  it('registers blocks of channels, and forgets them', async () => {
    await replica();
    const kv = await bus.kv('channels');
    const block = blockOf(1n, 7, ['alice', 'bob']);
    await register(block);
    expect(await kv.keys()).toEqual(['1.7']);
    expect(ChannelBlock.decode((await kv.get('1.7'))?.value ?? new Uint8Array())).toEqual(block);
    await register(blockOf(1n, 7, []));
    expect(await kv.keys()).toEqual([]);
  });

  it('does not say that it has a block which could not be stored', async () => {
    const kv = await bus.kv('channels');
    const failing: Kv = Object.assign(Object.create(kv), { put: () => Promise.reject(new BusError('bus-down', '')) });
    const registry = new Registry(failing, clock);
    await expect(registry.set(ChannelBlock.encode(blockOf(1n, 7, ['alice'])))).rejects.toThrow('bus-down');
    expect([registry.failed, registry.pending]).toEqual([1, 0]);
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
    expect(await takeRange(kv, bus)).toEqual({ range: LAST_EXTRANONCE_RANGE, wasBehind: false });
    expect(await takeRange(kv, bus)).toBeUndefined();
    await kv.put('range', Buffer.from('nonsense'));
    await expect(takeRange(kv, bus)).rejects.toThrow(/unreadable/);
  });

  it('goes on above the ranges that streams know when the counter was lost or restored', async () => {
    const kv = await bus.kv('extranonce');
    await bus.append('SHARES', 'shares.7', new Uint8Array(1));
    await bus.append('SHARES', 'shares.12', new Uint8Array(1));
    await bus.append('CREDITS', 'credit.15', new Uint8Array(1));
    await bus.append('SHARES', 'shares.not-a-range', new Uint8Array(1));
    expect(await takeRange(kv, bus)).toEqual({ range: 16, wasBehind: true });
    expect(await takeRange(kv, bus)).toEqual({ range: 17, wasBehind: false });
    await kv.put('range', Buffer.from('9'));
    expect(await takeRange(kv, bus)).toEqual({ range: 16, wasBehind: true });
    await bus.append('SHARES', 'shares.16', new Uint8Array(1));
    await kv.put('range', Buffer.from('20'));
    expect(await takeRange(kv, bus)).toEqual({ range: 21, wasBehind: false });
  });

  it('has the channels of an account closed by every gateway, whatever the registry knows', async () => {
    await replica();
    await register(blockOf(1n, 0, ['alice', 'bob']));
    await register(blockOf(1n, 1, ['bob', 'alice', 'alice']));
    // Of the release before.
    await (await bus.kv('channels')).put('1.1.3', Buffer.from('{"account":"alice"}'));
    const orders: Control[] = [];
    bus.subscribe('control.0', (payload) => void orders.push(Control.decode(payload)));
    const order = { account: 'alice', incarnation: 0n, connectionId: 0, channelId: 0, reason: 'left' };
    const reply = await bus.request(subjectName('operatorClose'), OperatorClose.encode(order), 1_000);
    expect(OperatorCloseReply.decode(reply).channels).toBe(3);
    await vi.waitFor(() => expect(orders).toEqual([{ kind: 'closeAccount', account: 'alice', reason: 'left' }]));
  });

  it('has one channel closed by its gateway', async () => {
    await replica();
    const orders: Control[] = [];
    bus.subscribe('control.9', (payload) => void orders.push(Control.decode(payload)));
    const order = { account: 'alice', incarnation: 9n, connectionId: 4, channelId: 2, reason: 'left' };
    const reply = await bus.request(subjectName('operatorClose'), OperatorClose.encode(order), 1_000);
    expect(OperatorCloseReply.decode(reply).channels).toBe(1);
    const wanted = { kind: 'closeChannel', connectionId: 4, channelId: 2, reason: 'left' };
    await vi.waitFor(() => expect(orders).toEqual([wanted]));
  });

  it('removes the channels of a gateway that fell silent, and of no other', async () => {
    const kv = await bus.kv('channels');
    const registry = new Registry(kv, clock);
    await registry.set(ChannelBlock.encode(blockOf(1n, 1, ['alice'])));
    await registry.set(ChannelBlock.encode(blockOf(2n, 1, ['alice'])));
    expect(await registry.sweep()).toBe(0);
    clock.advance(GATEWAY_SILENCE_MS + 1);
    registry.beat(2n);
    expect(await registry.sweep()).toBe(1);
    expect(await kv.keys()).toEqual(['2.1']);
  });

  it('keeps the channels of gateways that nobody could hear while the bus was away', async () => {
    const kv = await bus.kv('channels');
    const away = { yes: false };
    const over: Kv = Object.assign(Object.create(kv), {
      put: kv.put.bind(kv),
      delete: kv.delete.bind(kv),
      keys: async () => {
        if (away.yes) throw new BusError('bus-down', 'away');
        return kv.keys();
      },
    });
    const registry = new Registry(over, clock);
    await registry.set(ChannelBlock.encode(blockOf(1n, 1, ['alice'])));
    await registry.set(ChannelBlock.encode(blockOf(2n, 1, ['alice'])));
    const beatAndSweep = (incarnations: bigint[]) => {
      for (const incarnation of incarnations) registry.beat(incarnation);
      return registry.sweep();
    };
    await beatAndSweep([1n, 2n]);
    // The connection comes back between two sweeps.
    clock.advance(SWEEP_MS + 5_000);
    registry.forgetBeats();
    expect(await registry.sweep()).toBe(0);
    await beatAndSweep([1n, 2n]);
    // Or several sweeps fail.
    away.yes = true;
    for (let failed = 0; failed < 3; failed++) {
      clock.advance(SWEEP_MS);
      await expect(registry.sweep()).rejects.toThrow('away');
    }
    away.yes = false;
    expect(await registry.sweep()).toBe(0);
    clock.advance(GATEWAY_SILENCE_MS + 1);
    expect(await beatAndSweep([2n])).toBe(1);
    expect(await kv.keys()).toEqual(['2.1']);
  });

  it('looks through the registry in one replica only', async () => {
    const kv = await bus.kv('channels');
    let looks = 0;
    const counting: Kv = Object.assign(Object.create(kv), {
      keys: () => {
        looks += 1;
        return kv.keys();
      },
    });
    const over = new Proxy(bus, {
      get(target, key) {
        if (key === 'kv') return async (name: 'leases') => (String(name) === 'channels' ? counting : target.kv(name));
        const value = Reflect.get(target, key, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    for (let count = 0; count < 3; count++) await replica(over);
    await vi.waitFor(() => expect(looks).toBe(1));
    await running.shift()?.stop();
    expect(looks).toBe(1);
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
    expect((await open([wanted])).map(({ kind }) => kind)).toEqual(['opened']);
  });
});
