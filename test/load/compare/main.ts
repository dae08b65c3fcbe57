// `npm run load:compare`: SRI's pool and Sluice, or the two's proxies, under the same loads on the same machine, in turn. Writes a section of
// docs/performance.md. Exit code 1: a run failed, or the machine was too busy for its figures to be written; 2: wrong flags.
import { runTool } from '../tool.ts';
import { CompareRun } from './compare-run.ts';
import { compareRule, compareSettings } from './config.ts';

await runTool({
  name: 'load:compare',
  doc: "Puts SRI's pool and Sluice, every process of it counted, under the same loads in turn, on the same node and templates, and writes down what each cost; or SRI's translator and sluice proxy.",
  settings: compareSettings,
  rule: compareRule,
  create: (config) => new CompareRun(config),
});
