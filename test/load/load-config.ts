// A load that another tool puts together, by the flags that `npm run load` has.
import { loadConfig } from '@sluice/runtime/config/load';
import { type LoadConfig, loadRule, loadSettings } from './config.ts';

/** @throws Error: what is wrong with the flags, a line each. */
export function loadConfigOf(argv: readonly string[]): LoadConfig {
  const loaded = loadConfig(loadSettings, { argv, env: {} }, loadRule);
  if (loaded.kind !== 'config') throw new Error(loaded.kind === 'mistakes' ? loaded.mistakes.join('\n') : loaded.kind);
  return loaded.config;
}
