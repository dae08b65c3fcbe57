import type { OpenReply, WantedChannel } from '@sluice/bus/payloads/channel';
import { describe, expect, it } from 'vitest';
import { OpenQuestions, QUESTIONS_BOUND } from '../src/open-questions.ts';

const wanted = (identity: string): WantedChannel => ({ identity, nominalHashrate: 0, maxTarget: 1n });
const reply = ({ identity }: WantedChannel): OpenReply => ({ kind: 'refused', errorCode: identity });
const codeOf = (answer: OpenReply | undefined) => (answer?.kind === 'refused' ? answer.errorCode : undefined);

/** Questions that are answered when the test says so. */
class Asked {
  readonly questions: string[][] = [];
  readonly answers: (() => void)[] = [];
  readonly nothing: (() => void)[] = [];
  readonly failures: ((error: Error) => void)[] = [];
  #told = Promise.withResolvers<void>();

  readonly ask = (opens: readonly WantedChannel[]): Promise<readonly OpenReply[]> => {
    this.questions.push(opens.map(({ identity }) => identity));
    const { promise, resolve, reject } = Promise.withResolvers<readonly OpenReply[]>();
    this.answers.push(() => resolve(opens.map(reply)));
    this.nothing.push(() => resolve([]));
    this.failures.push(reject);
    this.#told.resolve();
    return promise;
  };

  async count(count: number): Promise<void> {
    while (this.questions.length < count) {
      this.#told = Promise.withResolvers();
      await this.#told.promise;
    }
  }
}

describe('questions about channels', () => {
  it('are one for all that are wanted in a turn of the event loop, and each has its own reply', async () => {
    const asked = new Asked();
    const questions = new OpenQuestions(asked.ask);
    const answers = ['a', 'b', 'c'].map((identity) => questions.about(wanted(identity), 1));
    await asked.count(1);
    asked.answers[0]?.();
    expect((await Promise.all(answers)).map(codeOf)).toEqual(['a', 'b', 'c']);
    expect(asked.questions).toEqual([['a', 'b', 'c']]);
  });

  it('do not come while too many are without an answer', async () => {
    const asked = new Asked();
    const questions = new OpenQuestions(asked.ask);
    const names = Array.from({ length: 32 * (QUESTIONS_BOUND + 1) }, (_, index) => String(index));
    const answers = names.map((identity, connection) => questions.about(wanted(identity), connection));
    await asked.count(QUESTIONS_BOUND);
    // Longer than a replica that hangs holds up the next question.
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(asked.questions).toHaveLength(QUESTIONS_BOUND);
    asked.failures[1]?.(new Error('lost'));
    await asked.count(QUESTIONS_BOUND + 1);
    for (const answer of asked.answers) answer();
    const settled = await Promise.allSettled(answers);
    expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(32);
  });

  it('gather while one is out, up to a bound', async () => {
    const asked = new Asked();
    const questions = new OpenQuestions(asked.ask);
    const first = questions.about(wanted('first'), 1);
    await asked.count(1);
    const names = Array.from({ length: 33 }, (_, index) => String(index));
    const others = names.map((identity, connection) => questions.about(wanted(identity), connection));
    asked.answers[0]?.();
    expect(codeOf(await first)).toBe('first');
    await asked.count(2);
    expect(asked.questions[1]).toEqual(names.slice(0, 32));
    asked.answers[1]?.();
    await asked.count(3);
    asked.answers[2]?.();
    expect((await Promise.all(others)).map(codeOf)).toEqual(names);
    expect(asked.questions[2]).toEqual(['32']);
  });

  it('take one channel of each connection in its turn', async () => {
    const asked = new Asked();
    const questions = new OpenQuestions(asked.ask);
    for (let count = 0; count < 100; count++) void questions.about(wanted('thousands'), 1);
    void questions.about(wanted('b'), 2);
    void questions.about(wanted('c'), 3);
    void questions.about(wanted('c'), 3);
    await asked.count(1);
    expect(asked.questions[0]?.slice(0, 6)).toEqual(['thousands', 'b', 'c', 'thousands', 'c', 'thousands']);
    // Eight for each of three connections.
    expect(asked.questions[0]).toHaveLength(24);
  });

  it('are small for thousands of one connection, which has them all in its order', async () => {
    const asked = new Asked();
    const questions = new OpenQuestions(asked.ask);
    const names = Array.from({ length: 20 }, (_, index) => String(index));
    const answers = names.map((identity) => questions.about(wanted(identity), 1));
    for (let question = 0; question < 3; question++) {
      await asked.count(question + 1);
      asked.answers[question]?.();
    }
    expect((await Promise.all(answers)).map(codeOf)).toEqual(names);
    expect(asked.questions.map(({ length }) => length)).toEqual([8, 8, 4]);
  });

  it('do not wait for one that nobody answers', async () => {
    const asked = new Asked();
    const questions = new OpenQuestions(asked.ask);
    void questions.about(wanted('hangs'), 1);
    await asked.count(1);
    const second = questions.about(wanted('goes on'), 1);
    await asked.count(2);
    asked.answers[1]?.();
    expect(codeOf(await second)).toBe('goes on');
  });

  it('fail together, and the next one is asked all the same', async () => {
    const asked = new Asked();
    const questions = new OpenQuestions(asked.ask);
    const failing = [questions.about(wanted('a'), 1), questions.about(wanted('b'), 1)];
    await asked.count(1);
    const next = questions.about(wanted('c'), 1);
    asked.failures[0]?.(new Error('unreadable'));
    for (const answer of failing) await expect(answer).rejects.toThrow('unreadable');
    await asked.count(2);
    asked.answers[1]?.();
    expect(codeOf(await next)).toBe('c');
  });

  it('are given up with one that nobody has answered, by those who have waited as long', async () => {
    const asked = new Asked();
    const questions = new OpenQuestions(asked.ask);
    const names = Array.from({ length: 32 * QUESTIONS_BOUND + 40 }, (_, index) => String(index));
    const answers = names.map((identity, connection) => questions.about(wanted(identity), connection));
    await asked.count(QUESTIONS_BOUND);
    const later = questions.about(wanted('later'), 1);
    asked.nothing[0]?.();
    const inNoQuestion = answers.slice(32 * QUESTIONS_BOUND);
    expect(await Promise.all([...answers.slice(0, 32), ...inNoQuestion])).toEqual(Array(72).fill(undefined));
    await asked.count(QUESTIONS_BOUND + 1);
    expect(asked.questions.at(-1)).toEqual(['later']);
    asked.answers.at(-1)?.();
    expect(codeOf(await later)).toBe('later');
  });

  it('have no reply where nobody has answered', async () => {
    const questions = new OpenQuestions(() => Promise.resolve([]));
    expect(await questions.about(wanted('a'), 1)).toBeUndefined();
  });
});
