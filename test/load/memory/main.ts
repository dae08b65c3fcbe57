// `npm run load:memory`: what a connection holds in the memory of the gateway, or a miner in that of the proxy, by class. Writes a section of
// docs/performance.md. Exit code 1: the run failed; 2: wrong flags.
import { runTool } from '../tool.ts';
import { memorySettings } from './config.ts';
import { MemoryRun } from './memory-run.ts';

await runTool({
  name: 'load:memory',
  doc: 'Takes heap snapshots of the gateway, or of the proxy, before and while it holds idle connections with a channel each, and sums up by class what each of them holds.',
  settings: memorySettings,
  create: (config) => new MemoryRun(config),
});
