// Composition root of the proxy process.
import { readFileSync } from 'node:fs';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import { connectTcp } from '@sluice/client/tcp';
import { fastestEc } from '@sluice/noise/fastest-ec';
import { wasmAead } from '@sluice/noise/wasm-aead';
import type { CommandTables } from '@sluice/runtime/config/command-line';
import { formatHostPort } from '@sluice/runtime/config/value-types';
import { randomBytes } from '@sluice/runtime/random';
import { runService } from '@sluice/runtime/run-service';
import { findSecp256k1Wasm } from '@sluice/runtime/secp256k1-wasm';
import { addDrainRoute } from '@sluice/server/drain-route';
import { openIdentity } from '@sluice/server/identity-settings';
import { limitsOf, proxyRule, proxySettings, sv2LimitsOf, tlsOf, upstreamsOf } from './config.ts';
import { hashesOfDifficulty } from './miners/miner-target.ts';
import { createProxyService } from './service.ts';
import { PoolTls } from './upstream/pool-tls.ts';
import { riskOf } from './upstream/upstream-url.ts';

/** Beyond the drain itself: the last answers of the upstreams, and closing. */
const STOP_MARGIN_MS = 15_000;

export const main = (argv: readonly string[], commands?: CommandTables): Promise<number> =>
  runService({
    name: 'proxy',
    doc: 'Puts many miners on one Stratum V2 channel of a pool, with other pools to fall back on.',
    settings: proxySettings,
    rule: proxyRule,
    argv,
    commands,
    // Longer than any drain that can be set.
    stopDeadlineMs: 3_600_000 + STOP_MARGIN_MS,
    create({ config, log, metrics, health, routes, orderRoutes, clock }) {
      const wasm = findSecp256k1Wasm();
      const ec = fastestEc(wasm, randomBytes);
      if (wasm === undefined)
        log.warn('handshakes use the reference curve, which is slower and not constant-time: run npm run secp256k1');
      for (const url of config.upstream) {
        const risk = riskOf(url);
        if (risk !== undefined) log.warn({ upstream: formatHostPort(url) }, risk);
      }
      const tls = new PoolTls(config.upstreamCaFile && readFileSync(config.upstreamCaFile, 'utf8'));
      const identity =
        config.listenSv2.length === 0 ? undefined : openIdentity(config, { ec, random: randomBytes, clock, log });
      const service = createProxyService(
        {
          ...{ listen: config.listen, tls: tlsOf(config), listenSv2: config.listenSv2 },
          upstreams: upstreamsOf(config),
          ...{ channels: config.channels, workerIdentity: config.workerIdentity },
          returnAfterMs: config.returnAfter * 1_000,
          policy: {
            extranonce2Size: config.extranonce2Size,
            sharesPerMinute: config.sharesPerMinute,
            firstHashes: hashesOfDifficulty(config.firstDifficulty),
            easiestHashes: hashesOfDifficulty(config.easiestDifficulty),
          },
          ...{ limits: limitsOf(config), sv2Limits: sv2LimitsOf(config) },
          versionMask: Number.parseInt(config.versionMask, 16),
          ...{ drainMs: config.drainSeconds * 1_000, drainPerSecond: config.drainRate },
          readRestMs: config.readRest,
          ...{ reconnectAgents: config.reconnectAgents, reconnectVendors: config.reconnectVendors },
        },
        {
          ...{ clock, log, metrics, health, routes, ec },
          identity,
          ...{ aead: wasmAead(), sha256d: wasmSha256d, random: randomBytes, connect: connectTcp },
          secure: (stream, host) => tls.secure(stream, host),
        },
      );
      addDrainRoute(orderRoutes, config.ordersTokenFile, service.orders);
      return service;
    },
  });
