// Each part is killed three times under load; `npm run chaos` does the same twenty times each.
import { expect, it } from 'vitest';
import { runChaos } from './chaos-run.ts';
import { broken, table } from './report.ts';

it('keeps miners connected and every acknowledged share, whatever part is killed', async () => {
  const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);
  console.info(`CHAOS_SEED=${seed}`);
  const report = await runChaos({ rounds: 3, connections: 60, sharesPerSecond: 1_000, seed, log: console.info });
  console.info(table(report));
  expect(broken(report)).toEqual([]);
});
