import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AnswerQueue } from '../../src/sv1/answer-queue.ts';

/** A request: of this id, answered at once or when its turn among the late ones comes. */
const request = fc.record({ id: fc.constantFrom('1', '2', '"a"'), isLate: fc.boolean() });

test('each request has one answer, in the order of the requests, whenever they are answered', () => {
  fc.assert(
    fc.property(fc.array(request), fc.infiniteStream(fc.nat()), (requests, choices) => {
      const written: string[] = [];
      const queue = new AnswerQueue((line) => written.push(line));
      const late: { readonly id: string; readonly line: string }[] = [];
      const expected: string[] = [];
      for (const [index, { id, isLate }] of requests.entries()) {
        const line = `${id} of request ${index}`;
        expected.push(line);
        if (isLate) {
          queue.expect(id);
          late.push({ id, line });
        } else queue.add(id, line);
      }
      while (late.length > 0) {
        // Of those with one id the oldest is answered first; which id, is by chance.
        const { id } = late[(choices.next().value ?? 0) % late.length] ?? { id: '' };
        const [oldest] = late.splice(
          late.findIndex((each) => each.id === id),
          1,
        );
        queue.settle(id, oldest?.line ?? '');
        expect(written).toEqual(expected.slice(0, written.length));
      }
      expect(written).toEqual(expected);
      expect(queue.size).toBe(0);
    }),
  );
});

test('an answer that nobody waits for is none', () => {
  const written: string[] = [];
  const queue = new AnswerQueue((line) => written.push(line));
  queue.settle('1', 'to nobody');
  queue.expect('1');
  queue.settle('2', 'to nobody');
  queue.settle('1', 'yes');
  queue.settle('1', 'to nobody');
  expect(written).toEqual(['yes']);
});
