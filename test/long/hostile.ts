// `npm run hostile`: hostile peers against a gateway and a proxy with their usual limits, one attack after the other. Writes a section of
// docs/performance.md. Exit code 1: honest miners felt more than is bearable, memory stayed in use, the cause was not counted, or the machine
// was too busy for the figures to be written; 2: wrong flags.
import { HostileAtLength } from '../hostile/at-length.ts';
import { hostileSettings } from '../hostile/at-length-config.ts';
import { runTool } from '../load/tool.ts';

await runTool({
  name: 'hostile',
  doc: 'Attacks a pool and a proxy with honest miners beside the attackers, and measures what these feel, what it leaves in memory, and what is counted.',
  settings: hostileSettings,
  create: (config) => new HostileAtLength(config),
});
