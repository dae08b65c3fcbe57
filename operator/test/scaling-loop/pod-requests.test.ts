import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ManualClock, systemClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { createMetrics, MetricsRegistry } from '@sluice/runtime/metrics';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectionsOf } from '../../src/scaling/observed-fleet.ts';
import { scalingMetrics } from '../../src/scaling-loop/metrics.ts';
import { observedPod } from '../../src/scaling-loop/observed-objects.ts';
import { type PodRequest, PodRequests } from '../../src/scaling-loop/pod-requests.ts';
import { PodSamples } from '../../src/scaling-loop/pod-samples.ts';
import type { Pod } from '../../src/scaling-loop/pods.ts';
import { Scraper } from '../../src/scaling-loop/scraper.ts';

/** Long enough for all that are sent at once to be there together. */
const ANSWER_MS = 50;

const pod = (name: string, podIP = '127.0.0.1'): Pod => ({
  metadata: { namespace: 'mining', name, uid: name },
  status: { phase: 'Running', podIP },
});

const asking = { token: 't', onRefused: () => undefined, withCpu: false, signal: new AbortController().signal };

let server: Server;
let port: number;
/** Of a pod that closes the connection. */
const CLOSED = 'closed';
/** Of one that does so in the middle of its answer. */
const BROKEN = 'broken';
/** What the pods of a name answer; others never do. */
const answers = new Map<string, string>();
const asked: string[] = [];
let atOnce = 0;
let mostAtOnce = 0;

/** A pod that says so much of itself. */
const said = { metrics: () => '' };
const saying = {
  send: async (_: Pod, { path }: PodRequest) => ({
    status: 200,
    text: path === '/metrics' ? said.metrics() : '{"connections":12,"order":null,"left":0}',
  }),
} as unknown as PodRequests;

beforeAll(async () => {
  server = createServer((incoming, outgoing) => {
    asked.push(`${incoming.method} ${incoming.url} ${incoming.headers.authorization ?? ''}`);
    const answer = answers.get(incoming.url?.split('/')[2] ?? '');
    if (answer === undefined) return;
    if (answer === CLOSED) {
      incoming.socket.destroy();
      return;
    }
    if (answer === BROKEN) {
      outgoing.writeHead(200, { 'content-length': 100 });
      outgoing.write('{', () => incoming.socket.destroy());
      return;
    }
    atOnce += 1;
    mostAtOnce = Math.max(mostAtOnce, atOnce);
    setTimeout(() => {
      atOnce -= 1;
      outgoing.end(answer);
    }, ANSWER_MS);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

it('go where the template says, each with its token, and not all at once', async () => {
  const requests = new PodRequests(`http://{ip}:${port}/{namespace}/{name}`);
  const pods = Array.from({ length: 100 }, (_, number) => pod(`pod-${number}`));
  for (const { metadata } of pods) answers.set(metadata.name, metadata.name);
  const got = await Promise.all(
    pods.map((each) => requests.send(each, { method: 'GET', path: '/drain?a=b', token: 'secret' })),
  );
  expect(got.map(({ text }) => text)).toEqual(pods.map(({ metadata }) => metadata.name));
  expect(asked).toContain('GET /mining/pod-7/drain?a=b Bearer secret');
  expect(mostAtOnce).toBeGreaterThan(1);
  expect(mostAtOnce).toBeLessThanOrEqual(32);
});

it('end without an answer, and with one that does not end, or breaks off', async () => {
  const requests = new PodRequests(`http://127.0.0.1:${port}/{namespace}/{name}`);
  const begin = performance.now();
  await expect(requests.send(pod('silent'), { method: 'GET', path: '/drain' })).rejects.toThrow();
  expect(performance.now() - begin).toBeGreaterThan(1_900);
  answers.set('endless', 'x'.repeat(2 ** 20 + 1));
  await expect(requests.send(pod('endless'), { method: 'GET', path: '/drain' })).rejects.toThrow('more than');
  answers.set('broken', BROKEN);
  await expect(requests.send(pod('broken'), { method: 'GET', path: '/drain' })).rejects.toThrow();
});

it('are not held up by those to pods that did not answer before, and end with their signal', async () => {
  const requests = new PodRequests(`http://{ip}:${port}/{namespace}/{name}`);
  const ending = new AbortController();
  const silent = Array.from({ length: 100 }, (_, number) => pod(`silent-${number}`));
  const askAll = () =>
    Promise.allSettled(
      silent.map((each) => requests.send(each, { method: 'GET', path: '/drain', signal: ending.signal })),
    );
  for (const { metadata } of silent) answers.set(metadata.name, CLOSED);
  await askAll();
  for (const { metadata } of silent) answers.delete(metadata.name);
  const ended = askAll();
  answers.set('other', '{}');
  const begin = performance.now();
  expect((await requests.send(pod('other'), { method: 'GET', path: '/drain' })).text).toBe('{}');
  ending.abort();
  expect((await ended).map(({ status }) => status)).toEqual(silent.map(() => 'rejected'));
  // Of 100 there are 32 at once, for two seconds each.
  expect(performance.now() - begin).toBeLessThan(2_000);
});

it('put the address of IPv6 in brackets', async () => {
  const requests = new PodRequests(`http://{ip}:${port}/{namespace}/{name}`);
  // Nothing listens there, which is said with where it was tried.
  await expect(requests.send(pod('six', '::1'), { method: 'GET', path: '/' })).rejects.toThrow(/::1/);
});

it('make samples of what pods say, and none of what they do not', async () => {
  const metrics = createMetrics(new MetricsRegistry(), scalingMetrics);
  const requests = new PodRequests(`http://127.0.0.1:${port}/{namespace}/{name}`);
  const modules = { requests, metrics, clock: systemClock, log: silentLogger() };
  const samples = new PodSamples(new Scraper(modules), systemClock);
  answers.set('good', '{"connections":12,"order":"drain now","left":3}');
  answers.set('idle', '{"connections":0,"order":null,"left":0}');
  answers.set('text', 'not found');
  answers.set('odd', '{"connections":-1}');
  const pods = ['good', 'idle', 'text', 'odd'].map((name) => ({ pod: pod(name), isClosely: false }));
  expect(samples.hasAsked).toBe(false);
  await samples.scrape(pods, { ...asking, everyMs: 60_000 });
  expect(samples.hasAsked).toBe(true);
  expect(samples.of('good')).toMatchObject({ connections: 12, order: 'drain now', cpuCores: undefined });
  expect(samples.of('idle')).toMatchObject({ connections: 0, order: undefined });
  expect([samples.of('text'), samples.of('odd')]).toEqual([undefined, undefined]);
  // Not its turn yet.
  answers.set('good', '{"connections":13,"order":null,"left":0}');
  await samples.scrape(pods, { ...asking, everyMs: 60_000 });
  expect(samples.of('good')?.connections).toBe(12);
  // Gone, and what it said with it.
  await samples.scrape([], { ...asking, everyMs: 60_000 });
  expect(samples.of('good')).toBeUndefined();
});

it('make samples whose CPU is kept for as long as connections are', async () => {
  const metrics = createMetrics(new MetricsRegistry(), scalingMetrics);
  const clock = new ManualClock();
  const samples = new PodSamples(new Scraper({ requests: saying, metrics, clock, log: silentLogger() }), clock);
  let seconds: number | undefined = 0;
  const cores = async () => {
    clock.advance(10_000);
    await samples.scrape([{ pod: pod('busy'), isClosely: false }], { ...asking, everyMs: 10_000, withCpu: true });
    return samples.of('busy')?.cpuCores;
  };
  said.metrics = () => (seconds === undefined ? '' : `process_cpu_seconds_total ${seconds}\n`);
  expect(await cores()).toBeUndefined();
  seconds = 5;
  expect(await cores()).toBe(0.5);
  seconds = undefined;
  expect([await cores(), await cores(), await cores(), await cores()]).toEqual([0.5, 0.5, 0.5, 0.5]);
  expect(await cores()).toBeUndefined();
  // From the last two that were got, however long ago.
  seconds = 11;
  expect(await cores()).toBe(0.1);
});

it('make samples by a clock that is set back, which are not taken for new ones', async () => {
  const metrics = createMetrics(new MetricsRegistry(), scalingMetrics);
  const requests = new PodRequests(`http://127.0.0.1:${port}/{namespace}/{name}`);
  const clock = new ManualClock();
  const samples = new PodSamples(new Scraper({ requests, metrics, clock, log: silentLogger() }), clock);
  const scrape = () => samples.scrape([{ pod: pod('set-back'), isClosely: false }], { ...asking, everyMs: 10_000 });
  const connections = () => connectionsOf(observedPod(pod('set-back'), samples.of('set-back')), clock.now());
  answers.set('set-back', '{"connections":12,"order":null,"left":0}');
  await scrape();
  expect(connections()).toBe(12);
  clock.set(clock.now() - 3_600_000);
  expect(connections()).toBeUndefined();
  clock.advance(10_000);
  answers.set('set-back', '{"connections":13,"order":null,"left":0}');
  await scrape();
  expect(connections()).toBe(13);
});

it('go over the connection that there is to their pod, for as long as the pod keeps it', async () => {
  let connections = 0;
  const keeping = createServer({ keepAliveTimeout: 4_000 }, (_, outgoing) => outgoing.end('{}'));
  keeping.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => keeping.listen(0, '127.0.0.1', resolve));
  try {
    const requests = new PodRequests(`http://{ip}:${(keeping.address() as AddressInfo).port}`);
    const ask = () => requests.send(pod('one'), { method: 'GET', path: '/drain' });
    for (let asked = 1; asked <= 3; asked += 1) expect(await ask()).toEqual({ status: 200, text: '{}' });
    expect(connections).toBe(1);
    // It has said for how long, and is not asked over what it is about to end.
    await sleep(3_500);
    expect(await ask()).toEqual({ status: 200, text: '{}' });
    expect(connections).toBe(2);
  } finally {
    keeping.closeAllConnections();
    await new Promise((resolve) => keeping.close(resolve));
  }
});
