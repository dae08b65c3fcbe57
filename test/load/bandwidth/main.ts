// `npm run bandwidth`: an hour of a farm in four ways to a pool beside Stratum V1, in bytes on sockets. Writes a section of
// docs/bandwidth.md and its plot. Exit code 1: something did not hold; 2: wrong flags.
import { runTool } from '../tool.ts';
import { BandwidthRun } from './bandwidth-run.ts';
import { bandwidthSettings } from './config.ts';

await runTool({
  name: 'bandwidth',
  doc: 'Has a farm mine for an hour in five ways at the same time, without the pauses of that hour, and writes down what went over the sockets: Stratum V1, standard channels alone and in a group, and the proxy with all shares and with sixty a minute.',
  settings: bandwidthSettings,
  create: (config) => new BandwidthRun(config),
});
