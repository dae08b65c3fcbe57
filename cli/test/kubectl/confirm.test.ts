import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { isConfirmed } from '../../src/kubectl/confirm.ts';

it.each([
  ['y\n', true],
  ['YES\n', true],
  ['\n', false],
  ['yesterday\n', false],
  // The end of the input, as by Ctrl-D.
  ['', false],
])('of %j is %j', async (answer, expected) => {
  const [input, output] = [new PassThrough(), new PassThrough()];
  input.end(answer);
  expect(await isConfirmed('Go on?', input, output)).toBe(expected);
  expect(String(output.read())).toContain('Go on? [y/N] ');
});
