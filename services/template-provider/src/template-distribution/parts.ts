// What template distribution needs beside the provider, from the settings: the key that clients know us by, the curve, the limits.
import { nobleEc } from '@sluice/noise/noble-ec';
import { wasmAead } from '@sluice/noise/wasm-aead';
import { wasmEc } from '@sluice/noise/wasm-ec';
import type { Clock } from '@sluice/runtime/clock';
import type { Logger } from '@sluice/runtime/logger';
import { randomBytes } from '@sluice/runtime/random';
import { findSecp256k1Wasm } from '@sluice/runtime/secp256k1-wasm';
import { openIdentity } from '@sluice/server/identity-settings';
import { limitsOf, reserveOf, type TemplateProviderConfig } from '../config.ts';
import type { DistributionParts } from '../service.ts';

/** `undefined` where nobody is to connect. @throws as `openIdentity`. */
export function distributionParts(
  config: TemplateProviderConfig,
  { log, clock }: { readonly log: Logger; readonly clock: Clock },
): DistributionParts | undefined {
  if (config.templateListen.length === 0) return undefined;
  const wasm = findSecp256k1Wasm();
  const ec = wasm === undefined ? nobleEc : wasmEc(wasm, randomBytes);
  if (wasm === undefined)
    log.warn('handshakes use the reference curve, which is slower and not constant-time: run npm run secp256k1');
  return {
    ...{ ec, aead: wasmAead(), random: randomBytes },
    identity: openIdentity(config, { ec, random: randomBytes, clock, log }),
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
