// `npm run latency:tip` with few blocks: the measurement itself works, every miner is told, and a tip is not slow by an order.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from '../support/run.ts';

it('each miner is told once of each of 20 blocks, the first of them soon', async () => {
  const node = createRequire(import.meta.url).resolve('node/bin/node');
  const script = join(import.meta.dirname, '../latency/tip-latency.ts');
  const output = await run(node, [script, '--smoke', '--blocks', '20', '--miners', '30']);
  console.info(output);
  expect(output).toContain('20 blocks, 30 miners');
});
