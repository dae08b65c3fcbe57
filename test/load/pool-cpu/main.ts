// `npm run load:pool-cpu`: what the same work of the same miners costs a pool, by the way that it comes. Writes a section of
// docs/performance.md. Exit code 1: a run failed, or the machine was too busy for its figures to be written; 2: wrong flags.
import { runTool } from '../tool.ts';
import { poolCpuSettings } from './config.ts';
import { PoolCpuRun } from './pool-cpu-run.ts';

await runTool({
  name: 'load:pool-cpu',
  doc: 'Measures the CPU time of all processes of a pool while the same work comes by extended channels, by standard channels, and by the one channel of a proxy with all shares and with one of a hundred times the work.',
  settings: poolCpuSettings,
  create: (config) => new PoolCpuRun(config),
});
