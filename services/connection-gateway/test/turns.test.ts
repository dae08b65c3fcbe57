import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Turns } from '../src/turns.ts';

test('whoever waits is taken in turn by whom they belong to', async () => {
  const turns = new Turns<string>(2);
  const begun: string[] = [];
  const take = (owner: string, name: string) => void turns.take(owner).then(() => begun.push(name));
  for (const name of ['a1', 'a2', 'a3', 'a4']) take('a', name);
  take('b', 'b1');
  take('c', 'c1');
  await turn();
  expect(begun).toEqual(['a1', 'a2']);
  for (let given = 0; given < 6; given++) turns.give();
  await turn();
  expect(begun).toEqual(['a1', 'a2', 'a3', 'b1', 'c1', 'a4']);
  // All are free again: both of the next ones need not wait.
  for (const name of ['d1', 'd2', 'd3']) take('d', name);
  await turn();
  expect(begun.slice(6)).toEqual(['d1', 'd2']);
});
