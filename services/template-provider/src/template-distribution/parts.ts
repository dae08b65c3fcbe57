// What template distribution needs beside the provider, from the settings: the key that clients know us by, the limits.
import type { Clock } from '@sluice/runtime/clock';
import type { Logger } from '@sluice/runtime/logger';
import { openIdentity } from '@sluice/server/identity-settings';
import { limitsOf, reserveOf, type TemplateProviderConfig } from '../config.ts';
import type { Cryptography } from '../cryptography.ts';
import type { DistributionParts } from '../service.ts';

/** `undefined` where nobody is to connect. @throws as `openIdentity`. */
export function distributionParts(
  config: TemplateProviderConfig,
  { noise, log, clock }: { noise(): Cryptography; readonly log: Logger; readonly clock: Clock },
): DistributionParts | undefined {
  if (config.templateListen.length === 0) return undefined;
  const cryptography = noise();
  const { ec, random } = cryptography;
  return {
    ...cryptography,
    identity: openIdentity(config, { ec, random, clock, log }),
    options: {
      listen: config.templateListen,
      limits: limitsOf(config),
      reserve: reserveOf(config),
      directory: config.templateDirectory,
      refreshMs: config.templateRefresh * 1_000,
      feeDelta: config.templateFeeDelta,
      ahead: config.templateAhead,
    },
  };
}
