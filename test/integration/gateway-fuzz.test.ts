// The fuzz of `npm run fuzz` in its short form. It runs in a process of its own, because it must collect garbage when it says so.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from '../support/run.ts';

/** So few are all warm-up: 491 and 20 bytes were measured, and 21 and 0.3 in a run eight times as long. */
const bounds = ['--handshakes', '500', '--handshake-bytes', '1500', '--frames', '20000', '--frame-bytes', '60'];

it('hostile peers raise no exception, leave no connection and no memory behind', async () => {
  const node = createRequire(import.meta.url).resolve('node/bin/node');
  const output = await run(node, ['--expose-gc', join(import.meta.dirname, '../long/gateway-fuzz.ts'), ...bounds]);
  console.info(output.match(/^.*(?:seed|left by each).*$/gm)?.join('\n'));
  expect(output).toContain('every promise was kept');
});
