// One connection to a pool of Stratum V1 that does what a test tells it. Time is the test's.
import { type Duplex, duplexPair } from 'node:stream';
import { targetOfDifficulty } from '@sluice/bitcoin/target';
import { ManualClock } from '@sluice/runtime/clock';
import type { Reconnect } from '@sluice/sv2/messages/common/reconnect';
import { describe, expect, it } from 'vitest';
import { createCounters } from '../../src/counters.ts';
import type { UpstreamError } from '../../src/upstream/errors.ts';
import { FIRST_WORK_MS } from '../../src/upstream/session.ts';
import { CONFIGURE_MS, Sv1UpstreamSession } from '../../src/upstream/sv1-session.ts';
import { SV1_ANSWER_MS, SV1_SILENCE_MS } from '../../src/upstream/sv1-silence.ts';
import type { UpstreamWork } from '../../src/upstream/upstream-work.ts';
import { until } from './until.ts';

const MASK = 0x1fff_e000;
const GRANTED = { 'version-rolling': true, 'version-rolling.mask': '1fffe000' };
const SUBSCRIBED = [[['mining.notify', 'a']], 'e1e2e3e4', 8];
const TIME = 1_700_000_000;

interface Sent {
  readonly id: number;
  readonly method?: string;
  readonly params?: readonly unknown[];
  readonly result?: unknown;
}

const job = (id: string, { prevHash = '11', nbits = '1d00ffff', ntime = TIME } = {}) => [
  ...[id, prevHash.repeat(32), 'aaaa', 'bbbb', ['22'.repeat(32)], '20000000', nbits, ntime.toString(16), true],
];

/** The pool's end: answers by method where it has one, and otherwise says what it is told to. */
class ScriptedPool {
  readonly sent: Sent[] = [];
  readonly #answers: Record<string, unknown> = {
    'mining.configure': GRANTED,
    'mining.subscribe': SUBSCRIBED,
    'mining.authorize': true,
  };
  readonly #stream: Duplex;

  constructor(stream: Duplex) {
    this.#stream = stream;
    let text = '';
    stream.on('data', (chunk) => {
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) this.#take(JSON.parse(line));
    });
  }

  /** Everything that was asked by a method. */
  all(method: string): readonly Sent[] {
    return this.sent.filter((sent) => sent.method === method);
  }

  /** From now on. @param result `undefined`: nothing. */
  answer(method: string, result: unknown): void {
    this.#answers[method] = result;
  }

  say(method: string, params: readonly unknown[], id: number | null = null): void {
    this.write({ id, method, params });
  }

  write(message: unknown): void {
    this.#stream.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`);
  }

  end(): void {
    this.#stream.end();
  }

  #take(sent: Sent): void {
    this.sent.push(sent);
    const { id, method = '' } = sent;
    const result = this.#answers[method];
    if (result !== undefined) this.write({ id, result, error: result === false ? [24, 'Unauthorized', null] : null });
  }
}

function connected(script: (pool: ScriptedPool) => void = () => undefined) {
  const [ours, theirs] = duplexPair();
  const pool = new ScriptedPool(theirs);
  script(pool);
  const clock = new ManualClock();
  const counters = createCounters();
  const works: UpstreamWork[] = [];
  const ends: { readonly reason: UpstreamError; readonly reconnect: Reconnect | undefined }[] = [];
  const session = new Sv1UpstreamSession(
    ours,
    {
      ...{ host: 'pool.example', user: 'farm.all', password: 'secret' },
      ...{ minExtranonceSize: 6, versionMask: MASK, hashrate: 1.1 * 2 ** 42 },
    },
    { onWork: (work) => void works.push(work), onClosed: (reason, reconnect) => void ends.push({ reason, reconnect }) },
    { clock, counters },
  );
  const ended = async () => {
    await until(() => ends.length > 0);
    return ends[0]?.reason.code;
  };
  return { pool, session, clock, counters, works, ends, ended };
}

async function working(script?: (pool: ScriptedPool) => void) {
  const all = connected(script);
  await until(() => all.pool.all('mining.suggest_difficulty').length === 1);
  all.pool.say('mining.set_difficulty', [512]);
  all.pool.say('mining.notify', job('j1'));
  await until(() => all.works.length === 1);
  return all;
}

const share = (work: UpstreamWork | undefined, changes = {}) => ({
  ...{ work: work as UpstreamWork, extranonce: new Uint8Array(8).fill(3), nonce: 5, ntime: TIME },
  ...{ version: 0x2000_2000, worker: undefined, ...changes },
});

function owner() {
  const answers: string[] = [];
  const take = (request: string, answer: string) => void answers.push(`${request}:${answer}`);
  return { answers, owner: { answered: take, refusedLate: () => undefined } };
}

describe('Sv1UpstreamSession', () => {
  it('sets itself up step by step and makes work of a job, with the extranonce of the pool behind its coinbase', async () => {
    const { pool, session, works } = await working();
    expect(pool.sent).toEqual([
      {
        ...{ id: 1, method: 'mining.configure' },
        params: [
          ['version-rolling', 'subscribe-extranonce'],
          { 'version-rolling.mask': '1fffe000', 'version-rolling.min-bit-count': 2 },
        ],
      },
      { id: 2, method: 'mining.subscribe', params: ['sluice-proxy'] },
      { id: 3, method: 'mining.authorize', params: ['farm.all', 'secret'] },
      // A share a second of 1.1 * 2^42 hashes, in a power of two.
      { id: 4, method: 'mining.suggest_difficulty', params: [1_024] },
    ]);
    expect(works[0]).toMatchObject({
      ...{ version: 0x2000_0000, versionRollingAllowed: true, nbits: 0x1d00_ffff, minNtime: TIME, extranonceSize: 8 },
      coinbasePrefix: Buffer.from('aaaae1e2e3e4', 'hex'),
      coinbaseSuffix: Uint8Array.of(0xbb, 0xbb),
    });
    expect(works[0]?.target.value).toBe(targetOfDifficulty(512));
    expect(session.work).toBe(works[0]);
  });

  it('waits for the difficulty of a job that comes first, and for the user to be taken', async () => {
    const { pool, works } = connected((scripted) => {
      scripted.answer('mining.authorize', undefined);
    });
    pool.say('mining.notify', job('early'));
    await until(() => pool.all('mining.authorize').length === 1);
    pool.say('mining.set_difficulty', [2]);
    pool.say('mining.ping', [], 77);
    await until(() => pool.sent.some(({ result }) => result === 'pong'));
    expect(works).toEqual([]);
    pool.write({ id: 3, result: true, error: null });
    await until(() => works.length === 1);
    expect(works[0]?.target.value).toBe(targetOfDifficulty(2));
  });

  it('goes on without version rolling with a pool that says nothing to mining.configure, or grants too few bits', async () => {
    const { pool, clock, session, works } = connected((scripted) => {
      scripted.answer('mining.configure', undefined);
    });
    await until(() => pool.all('mining.configure').length === 1);
    expect(pool.all('mining.subscribe')).toEqual([]);
    clock.advance(CONFIGURE_MS);
    session.tick();
    await until(() => pool.all('mining.suggest_difficulty').length === 1);
    pool.say('mining.set_difficulty', [1]);
    pool.say('mining.notify', job('j1'));
    pool.say('mining.set_version_mask', ['00c00000']);
    pool.say('mining.set_version_mask', ['1fffe000']);
    await until(() => works.length === 3);
    expect(works.map(({ versionRollingAllowed }) => versionRollingAllowed)).toEqual([false, false, true]);
    session.submit(share(works[1], { version: 0x2000_0000 }), undefined, '');
    session.submit(share(works[2]), undefined, '');
    await until(() => pool.all('mining.submit').length === 2);
    expect(pool.all('mining.submit').map(({ params }) => params?.length)).toEqual([5, 6]);
  });

  it('has difficulty and extranonce count for the next job, and shares of the one before go with its own id', async () => {
    const { pool, session, works } = await working();
    pool.say('mining.set_difficulty', [1_024]);
    pool.say('mining.set_extranonce', ['f1f2', 6]);
    pool.say('mining.notify', job('j2', { prevHash: '33' }));
    await until(() => works.length === 2);
    expect(works[1]).toMatchObject({ extranonceSize: 6, coinbasePrefix: Buffer.from('aaaaf1f2', 'hex') });
    expect(works.map(({ target }) => target.value)).toEqual([targetOfDifficulty(512), targetOfDifficulty(1_024)]);
    session.submit(share(works[0]), undefined, '');
    await until(() => pool.all('mining.submit').length === 1);
    expect(pool.all('mining.submit')[0]?.params).toEqual([
      ...['farm.all', 'j1', '0303030303030303', TIME.toString(16), '00000005', '00002000'],
    ]);
  });

  it('gives each share the answer that has its id, whatever the order', async () => {
    const { pool, session, works, counters } = await working();
    const { answers, owner: miner } = owner();
    for (const request of ['a', 'b', 'c']) session.submit(share(works[0]), miner, request);
    await until(() => pool.all('mining.submit').length === 3);
    const [a, b, c] = pool.all('mining.submit').map(({ id }) => id);
    pool.write({ id: c, result: true, error: null });
    pool.write({ id: a, result: null, error: [23, 'Low difficulty share', null] });
    pool.write({ id: c, result: true, error: null });
    pool.write({ id: 99, result: true, error: null });
    await until(() => answers.length === 2);
    expect(session.sharesInFlight).toBe(1);
    pool.write({ id: b, result: true, error: null });
    await until(() => answers.length === 3);
    expect(answers).toEqual(['c:', 'a:difficulty-too-low', 'b:']);
    expect(counters).toMatchObject({ sharesForwarded: 3, upstreamAccepted: 2, upstreamUnanswered: 0 });
    expect(counters.upstreamRefused['difficulty-too-low']).toBe(1);
  });

  it('loses what is under way with the connection, and sends nothing any more', async () => {
    const { pool, session, works, counters, ended } = await working();
    const { answers, owner: miner } = owner();
    session.submit(share(works[0]), miner, 'a');
    pool.end();
    expect(await ended()).toBe('upstream-connection-closed');
    session.submit(share(works[0]), miner, 'b');
    expect(answers).toEqual(['a:share-not-stored']);
    expect(counters).toMatchObject({ sharesForwarded: 1, upstreamUnanswered: 1 });
  });

  it('gives up a pool that says nothing after a share, and one that says nothing for minutes', async () => {
    const first = await working();
    first.session.submit(share(first.works[0]), undefined, '');
    first.clock.advance(SV1_ANSWER_MS - 1);
    first.session.tick();
    expect(first.ends).toEqual([]);
    first.clock.advance(1);
    first.session.tick();
    expect(await first.ended()).toBe('upstream-silent');

    const second = await working();
    second.clock.advance(SV1_SILENCE_MS - 1);
    second.session.tick();
    expect(second.ends).toEqual([]);
    second.clock.advance(1);
    second.session.tick();
    expect(await second.ended()).toBe('upstream-silent');
  });

  it('gives up one that has no work in time', async () => {
    const { clock, session, ended } = connected();
    clock.advance(FIRST_WORK_MS);
    session.tick();
    expect(await ended()).toBe('upstream-silent');
  });

  it.each<[string, string, (pool: ScriptedPool) => void]>([
    ['refuses the subscription', 'upstream-setup-refused', (pool) => pool.answer('mining.subscribe', false)],
    ['gives no extranonce', 'upstream-setup-refused', (pool) => pool.answer('mining.subscribe', [[]])],
    ['refuses the user', 'upstream-channel-refused', (pool) => pool.answer('mining.authorize', false)],
    [
      'leaves five bytes of extranonce',
      'upstream-extranonce-too-small',
      (pool) => pool.answer('mining.subscribe', [[], 'e1', 5]),
    ],
    [
      'leaves five bytes later',
      'upstream-extranonce-too-small',
      (pool) => pool.say('mining.set_extranonce', ['e1', 5]),
    ],
    ['sends what is no JSON', 'upstream-fault', (pool) => pool.write('{')],
    ['sends a line without an end', 'upstream-fault', (pool) => pool.write('x'.repeat(9_000))],
    ['sends half a job', 'upstream-fault', (pool) => pool.say('mining.notify', job('j').slice(0, 5))],
    ['sends a target of none', 'upstream-fault', (pool) => pool.say('mining.notify', job('j', { nbits: '00000000' }))],
  ])('ends with a pool that %s', async (_, code, script) => {
    const { ended } = connected(script);
    expect(await ended()).toBe(code);
  });

  it.each<[string, readonly unknown[], Reconnect | undefined]>([
    ['another port', ['pool.example', 3_334, 0], { newHost: '', newPort: 3_334 }],
    ['nowhere', [], undefined],
    ['another host', ['other.example', 3_334, 0], undefined],
  ])('ends when it is sent elsewhere, and follows to the same host alone: %s', async (_, params, where) => {
    const { pool, ends, ended } = await working();
    pool.say('client.reconnect', params);
    expect(await ended()).toBe('upstream-reconnect');
    expect(ends[0]?.reconnect).toEqual(where);
  });
});
