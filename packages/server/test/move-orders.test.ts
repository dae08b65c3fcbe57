// One order after another over two servers, whose drains do nothing: what begins, what is cancelled and what is told of it.
import { silentLogger } from '@sluice/runtime/logger';
import { expect, test } from 'vitest';
import type { DrainGoal } from '../src/drain.ts';
import { MoveOrders } from '../src/move-orders.ts';

class Server {
  readonly drains: (DrainGoal & { isCancelled: boolean; hastenedMs?: number })[] = [];
  refuses: boolean | undefined;
  open: number;

  constructor(open: number) {
    this.open = open;
  }

  size(): number {
    return this.open;
  }

  refuse(isRefusing: boolean): void {
    this.refuses = isRefusing;
  }

  startDrain(goal: DrainGoal) {
    const drain: (typeof this.drains)[number] = { ...goal, isCancelled: false };
    this.drains.push(drain);
    const server = this;
    return {
      done: Promise.resolve(),
      get left() {
        return drain.isCancelled ? 0 : Math.max(0, server.open - goal.keep);
      },
      hasten: (ms: number) => {
        drain.hastenedMs = ms;
      },
      cancel: () => {
        drain.isCancelled = true;
      },
    };
  }
}

/** By default so slow that every order has all of its time. */
function start(sizes: readonly number[], perSecond = 0.01) {
  const orders = new MoveOrders({ log: silentLogger(), perSecond });
  const servers = sizes.map((size) => new Server(size));
  for (const server of servers) orders.add(server);
  return { orders, servers };
}

test('an order goes to each server, told again it is the same, and its end takes connections again', () => {
  const { orders, servers } = start([3, 1]);
  expect([orders.progress, orders.isDraining]).toEqual([{ connections: 4, order: null, left: 0 }, false]);
  const order = { order: 'drain 1', keep: 0, deadlineMs: 60_000 };
  orders.begin(order);
  orders.begin({ ...order, deadlineMs: 1_000 });
  expect([orders.progress, orders.isDraining]).toEqual([{ connections: 4, order: 'drain 1', left: 4 }, true]);
  for (const server of servers)
    expect(server).toMatchObject({ refuses: true, drains: [{ keep: 0, deadlineMs: 60_000, isCancelled: false }] });
  const late = new Server(0);
  orders.add(late);
  expect(late.refuses).toBe(true);
  orders.cancel();
  expect([orders.progress, orders.isDraining]).toEqual([{ connections: 4, order: null, left: 0 }, false]);
  for (const server of servers) expect(server).toMatchObject({ refuses: false, drains: [{ isCancelled: true }] });
});

test('what is to stay is shared by the size of the servers, who then refuse nobody', () => {
  const { orders, servers } = start([30, 10, 0]);
  orders.begin({ order: 'rebalance 1', keep: 22, deadlineMs: 60_000 });
  expect(servers.map(({ drains }) => drains.map(({ keep }) => keep))).toEqual([[17], [6], []]);
  expect(servers.map(({ refuses }) => refuses)).toEqual([false, false, false]);
});

test('another order takes the place of the one before', () => {
  const { orders, servers } = start([10]);
  orders.begin({ order: 'rebalance 1', keep: 6, deadlineMs: 60_000 });
  orders.begin({ order: 'drain 2', keep: 0, deadlineMs: 60_000 });
  expect(servers[0]).toMatchObject({ refuses: true, drains: [{ isCancelled: true }, { keep: 0, isCancelled: false }] });
  expect(orders.progress).toEqual({ connections: 10, order: 'drain 2', left: 10 });
});

test('the pace counts those that go', () => {
  const { orders, servers } = start([1_000], 10);
  orders.begin({ order: 'rebalance 1', keep: 920, deadlineMs: 600_000 });
  expect(servers[0]?.drains[0]?.deadlineMs).toBe(10_000);
});

test('the end of the process hastens an order for all, replaces any other, and takes no more', async () => {
  const all = start([10]);
  all.orders.begin({ order: 'drain 1', keep: 0, deadlineMs: 60_000 });
  await all.orders.finish(5_000);
  expect(all.servers[0]?.drains).toEqual([{ keep: 0, deadlineMs: 60_000, hastenedMs: 5_000, isCancelled: false }]);
  all.orders.cancel();
  all.orders.begin({ order: 'rebalance 2', keep: 5, deadlineMs: 60_000 });
  expect(all.servers[0]?.drains).toHaveLength(1);
  expect(all.orders.progress).toEqual({ connections: 10, order: 'drain 1', left: 10 });

  const some = start([10]);
  some.orders.begin({ order: 'rebalance 1', keep: 5, deadlineMs: 60_000 });
  await some.orders.finish(5_000);
  expect(some.servers[0]?.drains).toEqual([
    { keep: 5, deadlineMs: 60_000, isCancelled: true },
    { keep: 0, deadlineMs: 5_000, isCancelled: false },
  ]);
});
