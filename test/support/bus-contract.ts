// What every transport of the bus must do. Run by packages/bus/test/in-process-contract.test.ts and, over real servers, by
// test/integration/bus-contract.test.ts. Each test uses subjects and keys of its own.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus, Kv, StreamMessage } from '@sluice/bus/bus';
import { type BusErrorCode, isBusError } from '@sluice/bus/errors';
import { MAX_PAYLOAD_BYTES } from '@sluice/bus/streams';
import { describe, expect, it } from 'vitest';

/** Bound of the stream CREDITS in every installation that the suite is run on. */
export const CONTRACT_CREDITS_BYTES = 1_048_576;

export interface BusContractSubject {
  /** A client of the installation; the suite closes none. */
  client(): Bus;
  /** Another client, or the same one where there is no such thing. */
  otherClient(): Bus;
}

let counter = 0;
/** A token that no other test has used. */
export const uniqueToken = (): string => `${Date.now().toString(36)}${(counter++).toString(36)}`;
export const bytesOf = (value: string): Uint8Array => new TextEncoder().encode(value);
export const textOf = (value: Uint8Array): string => new TextDecoder().decode(value);

export async function expectCode(call: Promise<unknown>, code: BusErrorCode): Promise<void> {
  const outcome = await call.then(
    () => 'no error',
    (error: unknown) => (isBusError(error) ? error.code : error),
  );
  expect(outcome).toBe(code);
}

export async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${condition.toString()}`);
    await sleep(5);
  }
}

/**
 * Resolves when what `listener` has subscribed to, serves or has given up by now is known where `sender` sends: interest spreads in the
 * order in which it was told.
 */
export async function interestReaches(sender: Bus, listener: Bus): Promise<void> {
  const probe = `control.${uniqueToken()}`;
  let heard = false;
  const subscription = listener.subscribe(probe, () => {
    heard = true;
  });
  await until(() => {
    sender.publish(probe, new Uint8Array());
    return heard;
  });
  subscription.close();
}

export function describeBusContract(subject: BusContractSubject): void {
  describe('core subjects', () => coreContract(subject));
  describe('requests', () => requestContract(subject));
  describe('streams', () => streamContract(subject));
  describe('consumers', () => consumerContract(subject));
  describe('buckets', () => bucketContract(subject));
}

function coreContract({ client, otherClient }: BusContractSubject): void {
  it('delivers to every subscriber whose pattern matches, later, in order', async () => {
    const token = uniqueToken();
    const heard: string[] = [];
    otherClient().subscribe(`heartbeat.${token}.*`, (payload, name) => heard.push(`star ${name} ${textOf(payload)}`));
    otherClient().subscribe(`heartbeat.${token}.>`, (payload) => heard.push(`tail ${textOf(payload)}`));
    otherClient().subscribe(`heartbeat.${token}`, () => heard.push('too short'));
    otherClient().subscribe(`heartbeat.*.a.*`, () => heard.push('too long'));
    await interestReaches(client(), otherClient());
    client().publish(`heartbeat.${token}.a`, bytesOf('1'));
    expect(heard).toEqual([]);
    client().publish(`heartbeat.${token}.a`, bytesOf('2'));
    await until(() => heard.length >= 4);
    expect(heard.filter((line) => line.startsWith('star'))).toEqual([
      `star heartbeat.${token}.a 1`,
      `star heartbeat.${token}.a 2`,
    ]);
    expect(heard.filter((line) => line.startsWith('tail'))).toEqual(['tail 1', 'tail 2']);
    expect(heard.length).toBe(4);
  });

  it('lets the sender use its buffer again at once', async () => {
    const token = uniqueToken();
    const heard: string[] = [];
    otherClient().subscribe(`control.${token}`, (payload) => heard.push(textOf(payload)));
    await interestReaches(client(), otherClient());
    const buffer = Buffer.from('first');
    client().publish(`control.${token}`, buffer);
    buffer.write('XXXXX');
    await until(() => heard.length === 1);
    expect(heard).toEqual(['first']);
  });

  it('gives a message to one member of each queue group', async () => {
    const token = uniqueToken();
    const heard: Record<string, number> = { a1: 0, a2: 0, b: 0, plain: 0 };
    const count = (name: string) => () => {
      heard[name] = (heard[name] ?? 0) + 1;
    };
    client().subscribe(`control.${token}`, count('a1'), { queue: 'a' });
    otherClient().subscribe(`control.${token}`, count('a2'), { queue: 'a' });
    otherClient().subscribe(`control.${token}`, count('b'), { queue: 'b' });
    otherClient().subscribe(`control.${token}`, count('plain'));
    await interestReaches(client(), client());
    await interestReaches(client(), otherClient());
    for (let index = 0; index < 100; index++) client().publish(`control.${token}`, bytesOf('x'));
    await until(() => heard.plain === 100 && heard.b === 100 && (heard.a1 ?? 0) + (heard.a2 ?? 0) === 100);
    expect(heard.a1).toBeGreaterThan(0);
    expect(heard.a2).toBeGreaterThan(0);
  });

  it('delivers nothing after a subscription is closed', async () => {
    const token = uniqueToken();
    const heard: string[] = [];
    const subscription = client().subscribe(`control.${token}`, (payload) => heard.push(textOf(payload)));
    client().publish(`control.${token}`, bytesOf('1'));
    await until(() => heard.length === 1);
    subscription.close();
    subscription.close();
    client().publish(`control.${token}`, bytesOf('2'));
    await interestReaches(client(), client());
    expect(heard).toEqual(['1']);
  });

  it('refuses a payload beyond the bound', () => {
    expect(() => client().publish('statistics', new Uint8Array(MAX_PAYLOAD_BYTES + 1))).toThrow('bus-bad-payload');
  });
}

function requestContract({ client, otherClient }: BusContractSubject): void {
  it('are answered, each by one server of the queue', async () => {
    const token = `channel.${uniqueToken()}`;
    let served = 0;
    const handler = async (payload: Uint8Array) => {
      served++;
      return bytesOf(`${textOf(payload)}!`);
    };
    client().serve(token, 'managers', handler);
    otherClient().serve(token, 'managers', handler);
    await interestReaches(client(), client());
    await interestReaches(client(), otherClient());
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => client().request(token, bytesOf(String(index)), 5_000)),
    );
    expect(answers.map(textOf)).toEqual(Array.from({ length: 50 }, (_, index) => `${index}!`));
    expect(served).toBe(50);
  });

  it('fail at once when nobody serves the subject', async () => {
    const before = performance.now();
    await expectCode(client().request(`channel.${uniqueToken()}`, bytesOf('x'), 5_000), 'bus-no-responders');
    expect(performance.now() - before).toBeLessThan(1_000);
  });

  it('fail when the time is over', async () => {
    const token = `channel.${uniqueToken()}`;
    otherClient().serve(token, 'q', () => new Promise<Uint8Array>(() => undefined));
    await interestReaches(client(), otherClient());
    await expectCode(client().request(token, bytesOf('x'), 100), 'bus-timeout');
  });

  it('fail when the handler does, without its words', async () => {
    const token = `channel.${uniqueToken()}`;
    const server = otherClient().serve(token, 'q', () => {
      throw new TypeError('broken');
    });
    await interestReaches(client(), otherClient());
    await expectCode(client().request(token, bytesOf('x'), 5_000), 'bus-handler-failed');
    server.close();
    await interestReaches(client(), otherClient());
    await expectCode(client().request(token, bytesOf('x'), 5_000), 'bus-no-responders');
  });
}

function streamContract({ client, otherClient }: BusContractSubject): void {
  it('number their records and give them to live subscribers too', async () => {
    const name = `shares.${uniqueToken()}`;
    const heard: string[] = [];
    otherClient().subscribe(name, (payload) => heard.push(textOf(payload)));
    await interestReaches(client(), otherClient());
    const first = await client().append('SHARES', name, bytesOf('a'));
    const second = await client().append('SHARES', name, bytesOf('b'));
    expect(first.duplicate).toBe(false);
    expect(second.sequence).toBeGreaterThan(first.sequence);
    await until(() => heard.includes('b'));
    // An attempt whose answer was lost was heard as well: a cluster that has just made the stream loses some.
    expect([...new Set(heard)]).toEqual(['a', 'b']);
    expect(heard).toEqual(heard.toSorted());
    const last = await otherClient().last('SHARES', name);
    expect(last && [last.subject, last.sequence, textOf(last.payload)]).toEqual([name, second.sequence, 'b']);
    expect(Math.abs((last?.storedAtMs ?? 0) - Date.now())).toBeLessThan(60_000);
    const state = await client().state('SHARES');
    expect(state.lastSequence).toBeGreaterThanOrEqual(second.sequence);
  });

  it('tell the subjects that hold records, each with a number that grows with every record', async () => {
    const name = `shares.${uniqueToken()}`;
    const marks = async () => (await otherClient().subjects('SHARES', 'shares.*')).get(name);
    expect(await marks()).toBeUndefined();
    const seen: (number | undefined)[] = [];
    for (let count = 0; count < 3; count += 1) {
      await client().append('SHARES', name, bytesOf('a'));
      seen.push(await marks());
    }
    // As many as were there before, and not the same.
    const { lastSequence } = await client().state('SHARES');
    await client().trim('SHARES', lastSequence);
    for (let count = 0; count < 2; count += 1) await client().append('SHARES', name, bytesOf('a'));
    seen.push(await marks());
    expect(seen).not.toContain(undefined);
    expect(new Set(seen).size).toBe(4);
    expect([...seen].sort((a, b) => (a ?? 0) - (b ?? 0))).toEqual(seen);
    expect([...(await client().subjects('CREDITS', `credit.${uniqueToken()}`)).keys()]).toEqual([]);
  });

  it('store a message id once', async () => {
    const name = `shares.${uniqueToken()}`;
    const messageId = `${name}-1`;
    const first = await client().append('SHARES', name, bytesOf('a'), { messageId });
    const again = await otherClient().append('SHARES', name, bytesOf('a'), { messageId });
    expect(again).toEqual({ sequence: first.sequence, duplicate: true });
    const [both, both2] = await Promise.all([
      client().append('SHARES', name, bytesOf('b'), { messageId: `${name}-2` }),
      client().append('SHARES', name, bytesOf('b'), { messageId: `${name}-2` }),
    ]);
    expect(both.sequence).toBe(both2.sequence);
    expect([both.duplicate, both2.duplicate].filter(Boolean).length).toBe(1);
  });

  it('end an append that takes too long with an unknown outcome, and store it once however often it is repeated', async () => {
    const name = `shares.${uniqueToken()}`;
    const payload = new Uint8Array(200_000);
    const ids = Array.from({ length: 40 }, (_, index) => `${name}-${index}`);
    const append = (messageId: string, timeoutMs: number) =>
      client().append('SHARES', name, payload, { messageId, timeoutMs });
    const hurried = await Promise.allSettled(ids.map((id) => append(id, 1)));
    const late = hurried.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    for (const error of late) await expectCode(Promise.reject(error), 'bus-timeout');
    if (client() !== otherClient()) expect(late.length).toBeGreaterThan(0);
    const stored = await Promise.all(ids.map((id) => append(id, 20_000)));
    expect(new Set(stored.map(({ sequence }) => sequence)).size).toBe(ids.length);
    await client().append('SHARES', name, bytesOf('end'));
    const lengths: number[] = [];
    const consumer = await client().consume('SHARES', { filter: name, batch: 16 }, (message) => {
      lengths.push(message.payload.length);
    });
    await until(() => lengths.at(-1) === 3);
    expect(lengths.length).toBe(ids.length + 1);
    await consumer.close();
  });

  it('refuse an append that expects another last sequence', async () => {
    const name = `shares.${uniqueToken()}`;
    const append = (text: string, expected: number, messageId?: string) =>
      client().append('SHARES', name, bytesOf(text), {
        expectedLastSubjectSequence: expected,
        ...(messageId === undefined ? {} : { messageId }),
      });
    await expectCode(append('too far', 7_000_000), 'bus-wrong-sequence');
    const { sequence } = await append('first', 0, `${name}-first`);
    await expectCode(append('again', 0), 'bus-wrong-sequence');
    // The same bytes under the same number and id, because the answer was lost: stored, not refused.
    expect(await append('first', 0, `${name}-first`)).toEqual({ sequence, duplicate: true });
    const next = await append('second', sequence);
    const outcomes = await Promise.allSettled([append('x', next.sequence), append('y', next.sequence)]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBe(1);
  });

  it('expect no record of a subject whose records were all trimmed away', async () => {
    const name = `shares.${uniqueToken()}`;
    const { sequence } = await client().append('SHARES', name, bytesOf('gone'));
    await client().trim('SHARES', sequence + 1);
    const append = (expected: number) =>
      client().append('SHARES', name, bytesOf('new'), { expectedLastSubjectSequence: expected });
    await expectCode(append(sequence), 'bus-wrong-sequence');
    expect((await append(0)).sequence).toBeGreaterThan(sequence);
  });

  it('refuse a subject that is not theirs, or is none', async () => {
    for (const name of [`elsewhere.${uniqueToken()}`, 'credit.1', 'shares', 'shares.1.2', 'shares.a b', 'shares.*']) {
      await expectCode(client().append('SHARES', name, bytesOf('x')), 'bus-bad-subject');
    }
    await expectCode(client().request('channel open', bytesOf('x'), 500), 'bus-bad-subject');
    expect(() => client().subscribe('control.a b', () => undefined)).toThrow('bus-bad-subject');
    await expectCode((await client().kv('channels')).put('a b', bytesOf('x')), 'bus-bad-subject');
  });

  it('read a range, over what was forgotten', async () => {
    const name = `solution`;
    const sequences: number[] = [];
    for (let index = 0; index < 5; index++) {
      sequences.push((await client().append('SOLUTIONS', name, bytesOf(String(index)))).sequence);
    }
    const [first = 0, , third = 0] = sequences;
    const read = await otherClient().read('SOLUTIONS', first, 2);
    expect(read.map(({ sequence }) => sequence)).toEqual(sequences.slice(0, 2));
    await client().trim('SOLUTIONS', third);
    expect((await client().state('SOLUTIONS')).firstSequence).toBe(third);
    const rest = await otherClient().read('SOLUTIONS', first, 100);
    expect(rest.map(({ payload }) => textOf(payload))).toEqual(['2', '3', '4']);
    expect(await client().read('SOLUTIONS', (sequences.at(-1) ?? 0) + 1, 10)).toEqual([]);
    expect(await client().last('SOLUTIONS', 'solution.result')).toBeUndefined();
  });

  it('keep the newest few of a subject where the table says so', async () => {
    const name = `tip.${uniqueToken()}`;
    for (let index = 0; index < 20; index++) await client().append('TEMPLATES', name, bytesOf(String(index)));
    const kept: string[] = [];
    const consumer = await client().consume('TEMPLATES', { filter: name, batch: 10 }, ({ payload }) => {
      kept.push(textOf(payload));
    });
    await until(() => kept.at(-1) === '19');
    await consumer.close();
    expect(kept).toEqual(Array.from({ length: 16 }, (_, index) => String(index + 4)));
  });

  it('refuse new records at their bound and take them again when older ones are forgotten', async () => {
    const name = `credit.${uniqueToken()}`;
    const payload = new Uint8Array(60_000);
    let stored = 0;
    const fill = async () => {
      for (;;) {
        await client().append('CREDITS', name, payload);
        stored++;
      }
    };
    await expectCode(fill(), 'bus-stream-full');
    expect(stored).toBeGreaterThan(10);
    expect(stored).toBeLessThanOrEqual(CONTRACT_CREDITS_BYTES / payload.length);
    const { lastSequence, bytes, maxBytes } = await client().state('CREDITS');
    expect(maxBytes).toBe(CONTRACT_CREDITS_BYTES);
    expect(bytes).toBeLessThanOrEqual(maxBytes);
    await client().trim('CREDITS', lastSequence);
    expect((await client().append('CREDITS', name, payload)).sequence).toBe(lastSequence + 1);
  });
}

function consumerContract({ client, otherClient }: BusContractSubject): void {
  const collect = (into: string[]) => (message: StreamMessage) => {
    into.push(textOf(message.payload));
  };

  it('replay in order what was stored long before, then follow', async () => {
    const name = `shares.${uniqueToken()}`;
    const count = 2_000;
    const wanted = Array.from({ length: count + 1 }, (_, index) => String(index));
    await Promise.all(wanted.slice(0, count).map((text) => client().append('SHARES', name, bytesOf(text))));
    const seen: string[] = [];
    const consumer = await otherClient().consume('SHARES', { filter: name, batch: 64 }, collect(seen));
    await until(() => seen.length === count);
    await client().append('SHARES', name, bytesOf(String(count)));
    await until(() => seen.length === count + 1);
    expect(seen).toEqual(wanted);
    await consumer.close();
    await client().append('SHARES', name, bytesOf('after'));
    await sleep(50);
    expect(seen.length).toBe(count + 1);
  });

  it('begin at the sequence they are given', async () => {
    const name = `shares.${uniqueToken()}`;
    await client().append('SHARES', name, bytesOf('a'));
    const { sequence } = await client().append('SHARES', name, bytesOf('b'));
    await client().append('SHARES', name, bytesOf('c'));
    const seen: string[] = [];
    const options = { filter: name, fromSequence: sequence, batch: 8 };
    const consumer = await client().consume('SHARES', options, collect(seen));
    await until(() => seen.length === 2);
    expect(seen).toEqual(['b', 'c']);
    await consumer.close();
  });

  it('gather records that follow each other, and do not let those wait that wait already', async () => {
    const name = `shares.${uniqueToken()}`;
    const append = (text: string) => client().append('SHARES', name, bytesOf(text));
    const waiting = Array.from({ length: 20 }, (_, index) => String(index));
    for (const text of waiting) await append(text);
    const seen: string[] = [];
    // The pause does not end while the test lasts.
    const options = { filter: name, batch: 4, gatherMs: 600_000 };
    const consumer = await otherClient().consume('SHARES', options, collect(seen));
    await until(() => seen.length === waiting.length);
    await append('later');
    await sleep(50);
    await consumer.close();
    expect(seen).toEqual(waiting);
  });

  it('give large records each with its part of the time for which they are gathered', async () => {
    const name = `shares.${uniqueToken()}`;
    const gatherMs = 400;
    for (let mark = 0; mark < 4; mark++) await client().append('SHARES', name, new Uint8Array(100_000).fill(mark));
    const seen: { readonly mark: number; readonly at: number }[] = [];
    const options = { filter: name, batch: 16, gatherMs };
    const consumer = await otherClient().consume('SHARES', options, ({ payload: [mark = -1] }) => {
      seen.push({ mark, at: performance.now() });
    });
    await until(() => seen.length === 4);
    await consumer.close();
    expect(seen.map(({ mark }) => mark)).toEqual([0, 1, 2, 3]);
    // Timers may be early by a millisecond.
    const gaps = seen.slice(1).map(({ at }, index) => at - seen[index]!.at);
    expect(Math.min(...gaps)).toBeGreaterThan(0);
    expect(gaps[2]!).toBeGreaterThanOrEqual(gatherMs / 2 - 2);
  });

  it('give what was gathered when the pause is over', async () => {
    const name = `shares.${uniqueToken()}`;
    const gatherMs = 300;
    const seen: { readonly text: string; readonly at: number }[] = [];
    const consumer = await otherClient().consume('SHARES', { filter: name, batch: 4, gatherMs }, ({ payload }) => {
      seen.push({ text: textOf(payload), at: performance.now() });
    });
    for (const text of ['a', 'b', 'c']) {
      await client().append('SHARES', name, bytesOf(text));
      if (text === 'a') await until(() => seen.length === 1);
    }
    await until(() => seen.length === 3);
    await consumer.close();
    expect(seen.map(({ text }) => text)).toEqual(['a', 'b', 'c']);
    // Timers may be early by a millisecond.
    expect(seen[1]!.at - seen[0]!.at).toBeGreaterThanOrEqual(gatherMs - 2);
  });

  it('give a record again to a handler that failed, before the next one', async () => {
    const name = `shares.${uniqueToken()}`;
    for (const text of ['a', 'b']) await client().append('SHARES', name, bytesOf(text));
    const seen: string[] = [];
    let failures = 0;
    const consumer = await client().consume('SHARES', { filter: name, batch: 8 }, (message) => {
      seen.push(textOf(message.payload));
      if (failures++ < 2) throw new Error('not yet');
    });
    await until(() => seen.length === 4);
    expect(seen).toEqual(['a', 'a', 'a', 'b']);
    await consumer.close();
  });

  it('go on where a durable stopped, whoever holds it', async () => {
    const name = `shares.${uniqueToken()}`;
    const durable = `d-${uniqueToken()}`;
    for (const text of ['a', 'b', 'c']) await client().append('SHARES', name, bytesOf(text));
    const options = { filter: name, durable, batch: 8 };
    const first: string[] = [];
    const second: string[] = [];
    const holder = await client().consume('SHARES', options, collect(first));
    await until(() => first.length === 3);
    await sleep(50);
    await holder.close();
    for (const text of ['d', 'e']) await client().append('SHARES', name, bytesOf(text));
    const next = await otherClient().consume('SHARES', options, collect(second));
    await until(() => second.length === 2);
    expect([first, second]).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e'],
    ]);
    await next.close();
  });

  it('serve a durable that had nothing to do for a while', async () => {
    const name = `shares.${uniqueToken()}`;
    const seen: string[] = [];
    const consumer = await otherClient().consume(
      'SHARES',
      { filter: name, durable: `d-${uniqueToken()}`, batch: 8 },
      collect(seen),
    );
    await client().append('SHARES', name, bytesOf('before'));
    await until(() => seen.length === 1);
    // Over a network longer than a request for records lasts; in one process nothing lasts.
    await sleep(client() === otherClient() ? 100 : 11_000);
    await client().append('SHARES', name, bytesOf('after'));
    await until(() => seen.length === 2, 2_000);
    expect(seen).toEqual(['before', 'after']);
    await consumer.close();
  });

  it('give the unfinished record of a holder that went away to the next one, first', async () => {
    const name = `shares.${uniqueToken()}`;
    const durable = `d-${uniqueToken()}`;
    for (const text of ['a', 'b', 'c']) await client().append('SHARES', name, bytesOf(text));
    const options = { filter: name, durable, batch: 8 };
    let begun = 0;
    const holder = await client().consume('SHARES', options, () => {
      begun++;
      throw new Error('never');
    });
    await until(() => begun >= 1);
    await holder.close();
    const seen: string[] = [];
    const next = await otherClient().consume('SHARES', options, collect(seen));
    await until(() => seen.length === 3, 20_000);
    expect(seen).toEqual(['a', 'b', 'c']);
    await next.close();
  });
}

function bucketContract({ client, otherClient }: BusContractSubject): void {
  it('compare and set', async () => {
    const mine = await client().kv('channels');
    const theirs = await otherClient().kv('channels');
    const key = uniqueToken();
    expect(await mine.get(key)).toBeUndefined();
    const created = await mine.create(key, bytesOf('1'));
    await expectCode(theirs.create(key, bytesOf('2')), 'bus-revision-conflict');
    const updated = await theirs.update(key, bytesOf('2'), created);
    expect(updated).toBeGreaterThan(created);
    await expectCode(mine.update(key, bytesOf('3'), created), 'bus-revision-conflict');
    const entry = await mine.get(key);
    expect(entry && [entry.key, textOf(entry.value), entry.revision]).toEqual([key, '2', updated]);
    expect(await mine.keys()).toContain(key);
  });

  it('have one winner among many', async () => {
    const key = uniqueToken();
    const buckets = [await client().kv('leases'), await otherClient().kv('leases')];
    const tries = Array.from({ length: 10 }, (_, index) => buckets[index % 2]?.create(key, bytesOf(String(index))));
    const outcomes = await Promise.allSettled(tries);
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBe(1);
  });

  it('never give a revision twice, over deletion too', async () => {
    const bucket = await client().kv('channels');
    const key = uniqueToken();
    const created = await bucket.create(key, bytesOf('1'));
    await expectCode(bucket.delete(key, created + 1_000), 'bus-revision-conflict');
    await bucket.delete(key, created);
    await bucket.delete(key);
    expect(await bucket.get(key)).toBeUndefined();
    expect(await bucket.keys()).not.toContain(key);
    expect(await bucket.create(key, bytesOf('2'))).toBeGreaterThan(created);
  });

  it('keep nothing of deleted keys', async () => {
    const bucket = await client().kv('channels');
    const token = uniqueToken();
    const keys = Array.from({ length: 50 }, (_, index) => `${token}.${index}`);
    await Promise.all(keys.map((key) => bucket.put(key, bytesOf('1'))));
    await Promise.all(keys.map((key) => bucket.delete(key)));
    expect((await bucket.keys()).filter((key) => key.startsWith(token))).toEqual([]);
    await until(async () => (await toldFirst(await otherClient().kv('channels'), token)).length === 0, 30_000);
  });

  it('show a watcher what is there and then what changes', async () => {
    const bucket = await client().kv('extranonce');
    const key = uniqueToken();
    await bucket.put(key, bytesOf('1'));
    const seen: string[] = [];
    const watch = await (await otherClient().kv('extranonce')).watch((change) => {
      if (change.key === key) seen.push(change.value === undefined ? 'gone' : textOf(change.value));
    });
    await until(() => seen.length === 1);
    await bucket.put(key, bytesOf('2'));
    await bucket.delete(key);
    await until(() => seen.length === 3);
    watch.close();
    await bucket.put(key, bytesOf('3'));
    await sleep(50);
    expect(seen).toEqual(['1', '2', 'gone']);
  });
}

/** The keys under a token that somebody who begins to watch is told of, gone ones too. */
async function toldFirst(bucket: Kv, token: string): Promise<string[]> {
  const told: string[] = [];
  const last = uniqueToken();
  const watch = await bucket.watch(({ key }) => {
    if (key === last || key.startsWith(token)) told.push(key);
  });
  await bucket.put(last, bytesOf('1'));
  await until(() => told.includes(last));
  watch.close();
  return told.slice(0, told.indexOf(last));
}

/** What holds when a repetition comes so late that its id is forgotten. `pass` lets the duplicate window of SHARES pass. */
export async function expectLateRepetition(bus: Bus, pass: () => Promise<void>): Promise<void> {
  const name = `shares.${uniqueToken()}`;
  const count = async () =>
    (await bus.read('SHARES', 1, 1_000)).filter((message: StreamMessage) => message.subject === name).length;
  const numbered = { messageId: `${name}-1`, expectedLastSubjectSequence: 0 };
  const first = await bus.append('SHARES', name, bytesOf('a'), numbered);
  expect(await bus.append('SHARES', name, bytesOf('a'), numbered)).toEqual({ ...first, duplicate: true });
  await pass();
  // The number keeps it out, whichever way it is told.
  await bus.append('SHARES', name, bytesOf('a'), numbered).catch((error: unknown) => {
    if (!isBusError(error, 'bus-wrong-sequence')) throw error;
  });
  expect(await count()).toBe(1);
  // An id alone does not.
  expect((await bus.append('SHARES', name, bytesOf('a'), { messageId: `${name}-1` })).duplicate).toBe(false);
  expect(await count()).toBe(2);
}
