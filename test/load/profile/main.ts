// `npm run load:profile`: where the gateway and the validator, or the proxy, spend the time of a share, under each load. Writes a section of
// docs/performance.md. Exit code 1: a run failed; 2: wrong flags.
import { runTool } from '../tool.ts';
import { profileRule, profileSettings } from './config.ts';
import { ProfileRun } from './profile-run.ts';

await runTool({
  name: 'load:profile',
  doc: "Puts Sluice under the loads of `npm run load:compare` with Node's CPU profiler, and sums up where the time of a share goes.",
  settings: profileSettings,
  rule: profileRule,
  create: (config) => new ProfileRun(config),
});
