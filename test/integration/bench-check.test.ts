// What the benches would time is compared with its reference, without the timing: a bench that nobody runs does not rot.
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from '../support/run.ts';

it('every bench finds its reference on the same inputs', async () => {
  const output = await run(process.execPath, [join(import.meta.dirname, '../../scripts/bench.ts'), '--check']);
  expect(output.match(/^# .*\.bench\.ts$/gm)?.length).toBeGreaterThan(10);
});
