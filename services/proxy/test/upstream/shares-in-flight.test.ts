import { describe, expect, it } from 'vitest';
import { createCounters } from '../../src/counters.ts';
import { ANSWER_MS, IN_FLIGHT_BOUND, SharesInFlight } from '../../src/upstream/shares-in-flight.ts';

function flight() {
  const counters = createCounters();
  const answers: [string, string][] = [];
  const late: string[] = [];
  const owner = {
    answered: (request: string, answer: string) => void answers.push([request, answer]),
    refusedLate: (code: string) => void late.push(code),
  };
  const shares = new SharesInFlight(counters);
  const send = (count: number, nowMs = 0) =>
    Array.from({ length: count }, (_, index) => shares.add(owner, String(index + 1), nowMs));
  return { counters, answers, late, owner, shares, send };
}

describe('SharesInFlight', () => {
  it('gives each share a number, and the answer for many at once to each of them', () => {
    const { counters, answers, shares, send } = flight();
    expect(send(4)).toEqual([1, 2, 3, 4]);
    shares.accepted(3);
    expect(answers).toEqual([
      ['1', ''],
      ['2', ''],
      ['3', ''],
    ]);
    expect(shares.size).toBe(1);
    expect(counters).toMatchObject({ sharesForwarded: 4, upstreamAccepted: 3 });
  });

  it('takes the answer of Stratum V1 for the one that it names, once', () => {
    const { counters, answers, shares, send } = flight();
    send(3);
    for (const sequence of [3, 3, 9, 1]) shares.acceptedOne(sequence);
    expect(answers).toEqual([
      ['3', ''],
      ['1', ''],
    ]);
    expect(shares.size).toBe(1);
    expect(counters.upstreamAccepted).toBe(2);
    // A late one counts, and is not told again.
    shares.answerOverdue(ANSWER_MS);
    shares.acceptedOne(2);
    expect(answers.slice(2)).toEqual([['2', '']]);
    expect(counters.upstreamAccepted).toBe(3);
  });

  it('takes a refused one out of what a later answer accepts', () => {
    const { counters, answers, shares, send } = flight();
    send(3);
    shares.refused(2, 'stale-share');
    shares.accepted(3);
    expect(answers).toEqual([
      ['2', 'stale-share'],
      ['1', ''],
      ['3', ''],
    ]);
    expect(counters.upstreamAccepted).toBe(2);
    expect(counters.upstreamRefused).toMatchObject({ 'stale-share': 1 });
  });

  it('says of a code that nobody knows that the share does not count', () => {
    const { answers, counters, shares, send } = flight();
    send(1);
    shares.refused(1, 'no-such-code');
    expect(answers).toEqual([['1', 'share-not-stored']]);
    expect(counters.upstreamRefused['share-not-stored']).toBe(1);
  });

  it('ignores answers to what was never sent', () => {
    const { answers, counters, shares, send } = flight();
    send(1);
    shares.refused(7, 'stale-share');
    shares.accepted(0);
    expect(answers).toEqual([]);
    expect(counters.upstreamAccepted).toBe(0);
  });

  it('answers what waits for too long, once, and counts and tells what the upstream says later', () => {
    const { answers, late, counters, shares, owner, send } = flight();
    send(2, 0);
    shares.add(owner, '3', 500);
    shares.answerOverdue(ANSWER_MS - 1);
    expect(answers).toEqual([]);
    shares.answerOverdue(ANSWER_MS);
    shares.answerOverdue(ANSWER_MS);
    expect(answers).toEqual([
      ['1', ''],
      ['2', ''],
    ]);
    shares.refused(1, 'stale-share');
    shares.accepted(3);
    expect(answers.slice(2)).toEqual([['3', '']]);
    expect(late).toEqual(['stale-share']);
    expect(counters).toMatchObject({ upstreamAccepted: 2 });
    expect(counters.upstreamRefused['stale-share']).toBe(1);
  });

  it('counts what is lost with the connection, and tells those who wait that it does not count', () => {
    const { answers, counters, shares, owner } = flight();
    shares.add(owner, '1', 0);
    shares.answerOverdue(ANSWER_MS);
    shares.add(owner, '2', ANSWER_MS);
    shares.add(undefined, '', ANSWER_MS);
    shares.lose();
    expect(answers).toEqual([
      ['1', ''],
      ['2', 'share-not-stored'],
    ]);
    expect(counters.upstreamUnanswered).toBe(3);
    expect(shares.size).toBe(0);
  });

  it('holds no more than its bound', () => {
    const { counters, shares } = flight();
    for (let index = 0; index <= IN_FLIGHT_BOUND; index += 1) shares.add(undefined, '', 0);
    expect(shares.size).toBe(IN_FLIGHT_BOUND);
    expect(counters.upstreamUnanswered).toBe(1);
    shares.accepted(1);
    expect(counters.upstreamAccepted).toBe(0);
    shares.accepted(2);
    expect(counters.upstreamAccepted).toBe(1);
  });
});
