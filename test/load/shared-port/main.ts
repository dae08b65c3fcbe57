// `npm run load:shared-port`: gateways on one port of one machine, as processes and as threads, beside a single one. Writes tables to the
// terminal and no document. Exit code 1: a run failed; 2: wrong flags.
import { runTool } from '../tool.ts';
import { sharedPortSettings } from './config.ts';
import { SharedPortRun } from './shared-port-run.ts';

await runTool({
  name: 'load:shared-port',
  doc: 'Puts a pool under the same loads with one gateway, with several processes of it on one port, and with as many threads of one process, in turn, and says what each cost.',
  settings: sharedPortSettings,
  create: (config) => new SharedPortRun(config),
});
