// `npm run load:long`: a pool under a steady load, with templates and blocks as they come on the main network or faster. Writes a section of
// docs/performance.md. Exit code 1: memory has grown, an event loop has stalled, or a share was lost or counted twice; 2: wrong flags.
import { runTool } from '../tool.ts';
import { longRule, longSettings } from './config.ts';
import { LongRun } from './long-run.ts';

await runTool({
  name: 'load:long',
  doc: 'Puts a whole pool, as processes with a nats-server that syncs, under a steady load for long, and holds against it that memory does not grow, that no event loop stalls, and that no share is lost or counted twice.',
  settings: longSettings,
  rule: longRule,
  create: (config) => new LongRun(config),
});
