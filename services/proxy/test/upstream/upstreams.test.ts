// The list at work, over upstreams in memory.

import { systemClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { Reconnect } from '@sluice/sv2/messages/common/reconnect';
import { RequestExtensions } from '@sluice/sv2/messages/extensions/request-extensions';
import { RequestExtensionsSuccess } from '@sluice/sv2/messages/extensions/request-extensions-success';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import { describe, expect, it, onTestFinished } from 'vitest';
import { authorityKey, FakeServer, modules } from '../../../../packages/client/test/support/fake-server.ts';
import { createCounters } from '../../src/counters.ts';
import type { UpstreamWork } from '../../src/upstream/upstream-work.ts';
import { Upstreams } from '../../src/upstream/upstreams.ts';
import { CHANNEL, EXTRANONCE_SIZE, newJob, newTip, opened } from './told-work.ts';

const WAIT_MS = 6_000;

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`did not come true: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Upstreams `0.example`, `1.example` and so on; the jobs of the first are numbered from 100 on, those of the second from 200 on. */
class Site {
  /** Connections so far, by host. */
  readonly servers = new Map<string, FakeServer[]>();
  /** Hosts that take no connection. */
  readonly away = new Set<string>();
  /** Numbers of the jobs that the farm was given. */
  readonly jobs: number[] = [];
  /** Places and weights of those that the farm was told to work for. */
  readonly used: (readonly (readonly [place: number, weight: number])[])[] = [];
  work: UpstreamWork | undefined;
  readonly counters = createCounters();
  readonly upstreams: Upstreams;

  constructor(
    count: number,
    returnAfterMs: number,
    { away = [], weights = [] }: { readonly away?: readonly number[]; readonly weights?: readonly number[] } = {},
  ) {
    for (const place of away) this.away.add(`${place}.example`);
    this.upstreams = new Upstreams(
      Array.from({ length: count }, (_, place) => ({
        url: { host: `${place}.example`, port: 3333, authorityKey, ...weightOf(weights[place]) },
        ...{ identity: 'farm', workerIdentity: '{account}.{worker}', minExtranonceSize: 6, versionMask: 0x1fff_e000 },
      })),
      returnAfterMs,
      {
        ...modules,
        clock: systemClock,
        log: silentLogger(),
        counters: this.counters,
        hashrate: () => 1e12,
        onWork: (_, work) => this.#give(work),
        onUse: (inUse) => {
          this.used.push(inUse.map(({ place, weight }) => [place, weight]));
          for (const { work } of inUse) this.#give(work);
        },
        connect: async (host) => this.#connect(host),
        secure: async (stream) => stream,
      },
    );
    onTestFinished(() => this.upstreams.stop(0));
    this.upstreams.start();
  }

  server(place: number): FakeServer {
    const server = this.servers.get(`${place}.example`)?.at(-1);
    if (server === undefined) throw new Error(`nobody has connected to ${place}`);
    return server;
  }

  connections(place: number): number {
    return this.servers.get(`${place}.example`)?.length ?? 0;
  }

  #give(work: UpstreamWork): void {
    this.jobs.push(work.jobId);
    this.work = work;
  }

  #connect(host: string): FakeServer['stream'] {
    if (this.away.has(host)) throw new Error(`connect ECONNREFUSED ${host}`);
    const server = new FakeServer();
    const all = [...(this.servers.get(host) ?? []), server];
    this.servers.set(host, all);
    const jobId = 100 * (Number.parseInt(host, 10) + 1) + all.length - 1;
    server.on(RequestExtensions, ({ requestId, requestedExtensions }) =>
      server.send(RequestExtensionsSuccess, { requestId, supportedExtensions: requestedExtensions }),
    );
    server.on(OpenExtendedMiningChannel, () => {
      server.send(OpenExtendedMiningChannelSuccess, opened());
      server.send(NewExtendedMiningJob, newJob(jobId));
      server.send(SetNewPrevHash, newTip(jobId, 0xa1));
    });
    return server.stream;
  }
}

const weightOf = (weight: number | undefined) => (weight === undefined ? {} : { weight });

describe('Upstreams', () => {
  it('mine for the first, keep the second warm and leave the third alone', async () => {
    const site = new Site(3, 60_000);
    await until(() => site.upstreams.isUp(0) && site.upstreams.isUp(1));
    await until(() => !site.upstreams.isUp(2));
    expect(site.upstreams.inUse).toEqual([0]);
    expect(site.upstreams.trouble).toBeUndefined();
    const states = [0, 1, 2].map((place) => site.upstreams.history.current(place).state);
    expect(states).toEqual(['active', 'standby', 'not-needed']);
    expect(site.jobs).toEqual([100]);
    // News of the warm one is none for the farm.
    site.server(1).send(NewExtendedMiningJob, newJob(205, { minNtime: 1_700_000_001 }));
    site.server(0).send(NewExtendedMiningJob, newJob(105, { minNtime: 1_700_000_001 }));
    await until(() => site.jobs.length === 2);
    expect(site.jobs).toEqual([100, 105]);
  });

  it('have the farm work for the next one at once, and for the first again when it has been back for long enough', async () => {
    const site = new Site(2, 300);
    await until(() => site.upstreams.isUp(0) && site.upstreams.isUp(1));
    const diedAt = performance.now();
    site.server(0).close();
    await until(() => site.upstreams.inUse[0] === 1);
    expect(performance.now() - diedAt).toBeLessThan(200);
    expect(site.jobs).toEqual([100, 200]);
    await until(() => site.upstreams.isUp(0));
    expect(site.upstreams.inUse).toEqual([1]);
    await until(() => site.upstreams.inUse[0] === 0);
    expect(site.jobs).toEqual([100, 200, 101]);
    expect(site.counters).toMatchObject({ upstreamUps: 3, switches: 3 });
    expect(site.counters.upstreamDowns['upstream-connection-closed']).toBe(1);
  });

  it('do not have the farm follow one that comes and goes', async () => {
    const site = new Site(2, 60_000);
    await until(() => site.upstreams.isUp(0) && site.upstreams.isUp(1));
    for (let times = 1; times <= 3; times += 1) {
      site.server(0).close();
      await until(() => !site.upstreams.isUp(0));
      expect(site.upstreams.inUse).toEqual([1]);
      if (times < 3) await until(() => site.upstreams.isUp(0));
    }
    expect(site.jobs).toEqual([100, 200]);
    expect(site.counters.switches).toBe(2);
  });

  it('with a weight are in use together, and the others of them alone while one is away', async () => {
    const site = new Site(3, 300, { weights: [70, 30] });
    await until(() => site.upstreams.inUse.length === 2);
    expect([0, 1, 2].map((place) => site.upstreams.history.current(place).state)).toEqual([
      ...['active', 'active', 'not-needed'],
    ]);
    // News of each of them are the farm's.
    site.server(1).send(NewExtendedMiningJob, newJob(205, { minNtime: 1_700_000_001 }));
    await until(() => site.jobs.includes(205));
    site.server(0).close();
    await until(() => site.upstreams.inUse.length === 1);
    await until(() => site.upstreams.inUse.length === 2);
    expect(site.used).toEqual([
      [
        [0, 70],
        [1, 30],
      ],
      [[1, 30]],
      [
        [0, 70],
        [1, 30],
      ],
    ]);
    site.away.add('0.example').add('1.example');
    site.server(0).close();
    site.server(1).close();
    await until(() => site.upstreams.inUse[0] === 2);
    expect(site.used.at(-1)).toEqual([[2, 1]]);
  });

  it('say why none works', async () => {
    const site = new Site(2, 60_000, { away: [0, 1] });
    const reason = 'upstream-unreachable (connect ECONNREFUSED';
    await until(() => site.counters.upstreamDowns['upstream-unreachable'] >= 2);
    expect(site.upstreams.inUse).toEqual([]);
    expect(site.upstreams.trouble).toBe(
      `no upstream works: 0.example:3333: ${reason} 0.example); 1.example:3333: ${reason} 1.example)`,
    );
    site.away.clear();
    await until(() => site.upstreams.inUse.length > 0);
    expect(site.upstreams.trouble).toBeUndefined();
  });

  it('go elsewhere when they are asked to, for the next connection', async () => {
    const site = new Site(1, 60_000);
    await until(() => site.upstreams.isUp(0));
    site.server(0).send(Reconnect, { newHost: '5.example', newPort: 0 });
    await until(() => site.connections(5) === 1 && site.upstreams.inUse[0] === 0);
    expect(site.jobs).toEqual([100, 600]);
  });

  it('wait for answers to what was sent before they end', async () => {
    const site = new Site(1, 60_000);
    await until(() => site.upstreams.isUp(0));
    const server = site.server(0);
    const received = new Promise<void>((resolve) => {
      server.on(SubmitSharesExtended, ({ sequenceNumber }) => {
        const counts = { newSubmitsAcceptedCount: 1, newSharesSum: 1n };
        const answer = { channelId: CHANNEL, lastSequenceNumber: sequenceNumber, ...counts };
        setTimeout(() => server.send(SubmitSharesSuccess, answer), 50);
        resolve();
      });
    });
    const work = site.work as UpstreamWork;
    const share = { work, extranonce: new Uint8Array(EXTRANONCE_SIZE), nonce: 1, ntime: 1, version: 1 };
    work.link.submit({ ...share, worker: undefined }, undefined, '');
    await received;
    await site.upstreams.stop(2_000);
    expect(site.counters).toMatchObject({ sharesForwarded: 1, upstreamAccepted: 1, upstreamUnanswered: 0 });
  });
});
