// Composition root of the connection-gateway process.
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import { connectBus } from '@sluice/bus/bus-settings';
import { fastestEc } from '@sluice/noise/fastest-ec';
import { wasmAead } from '@sluice/noise/wasm-aead';
import type { CommandTables } from '@sluice/runtime/config/command-line';
import { randomBytes } from '@sluice/runtime/random';
import { runService } from '@sluice/runtime/run-service';
import { findSecp256k1Wasm } from '@sluice/runtime/secp256k1-wasm';
import { addDrainRoute } from '@sluice/server/drain-route';
import { openIdentity } from '@sluice/server/identity-settings';
import { connectionGatewayRule, connectionGatewaySettings, limitsOf } from './config.ts';
import { createConnectionGatewayService } from './service.ts';

/** Beyond the drain itself: the last appends, and closing. */
const STOP_MARGIN_MS = 15_000;

export const main = (argv: readonly string[], commands?: CommandTables): Promise<number> =>
  runService({
    name: 'connection-gateway',
    doc: 'Holds the connections of miners: jobs go out, shares come in, blocks go out first.',
    settings: connectionGatewaySettings,
    rule: connectionGatewayRule,
    argv,
    commands,
    // Longer than any drain that can be set.
    stopDeadlineMs: 3_600_000 + STOP_MARGIN_MS,
    async create({ config, log, metrics, health, orderRoutes, clock, shutdown }) {
      const wasm = findSecp256k1Wasm();
      const ec = fastestEc(wasm, randomBytes);
      const identity = openIdentity(config, { ec, random: randomBytes, clock, log });
      const bus = await connectBus(config, {
        service: 'connection-gateway',
        instance: config.gatewayLabel,
        log,
        clock,
        metrics,
        health,
      });
      shutdown.add('bus', () => bus.close());
      log.info({ ec: ec.name, sha256d: wasmSha256d.name }, 'cryptography');
      if (wasm === undefined)
        log.warn('handshakes use the reference curve, which is slower and not constant-time: run npm run secp256k1');
      const service = createConnectionGatewayService(
        {
          listen: config.listen,
          reusePort: config.reusePort,
          label: config.gatewayLabel,
          solutionEndpoints: config.solutionEndpoints,
          limits: limitsOf(config),
          drainMs: config.drainSeconds * 1_000,
          drainPerSecond: config.drainRate,
          reconnectVendors: config.reconnectVendors,
        },
        {
          ...{ bus, clock, log, metrics, health, identity, ec },
          ...{ aead: wasmAead(), sha256d: wasmSha256d, random: randomBytes },
        },
      );
      addDrainRoute(orderRoutes, config.ordersTokenFile, service.orders);
      return service;
    },
  });
