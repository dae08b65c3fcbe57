// Every service of the pool in one process, on one in-process bus, with state on disk: the same services as in a cluster, put
// together in another way.
import { join } from 'node:path';
import { setTimeout as sleep, setImmediate as yieldNow } from 'node:timers/promises';
import type { Network } from '@sluice/bitcoin/network';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import { targetOfDifficulty } from '@sluice/bitcoin/target';
import type { Bus } from '@sluice/bus/bus';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import { followBus } from '@sluice/bus/metrics';
import { type ChannelManagerOptions, createChannelManagerService } from '@sluice/channel-manager/service';
import { defaultLimits } from '@sluice/connection-gateway/limits';
import { type ConnectionGatewayService, createConnectionGatewayService } from '@sluice/connection-gateway/service';
import { createJobDistributorService } from '@sluice/job-distributor/service';
import type { EcBackend } from '@sluice/noise/ec';
import { wasmAead } from '@sluice/noise/wasm-aead';
import type { Clock } from '@sluice/runtime/clock';
import type { HostPort } from '@sluice/runtime/config/value-types';
import { codeOf, messageOf } from '@sluice/runtime/errors';
import type { Health } from '@sluice/runtime/health';
import type { Logger } from '@sluice/runtime/logger';
import type { MetricsRegistry } from '@sluice/runtime/metrics';
import { randomBytes } from '@sluice/runtime/random';
import type { Service } from '@sluice/runtime/run-service';
import type { Shutdown } from '@sluice/runtime/shutdown';
import { selfCertified } from '@sluice/server/identity';
import { createShareValidatorService } from '@sluice/share-validator/service';
import { createTemplateProviderService } from '@sluice/template-provider/service';
import { TemplateStore } from '@sluice/template-provider/template-store';
import type { Chain } from './chain.ts';
import { payoutScript } from './payout.ts';

/** Name of each service's only instance: the same at every start, so that what it held is its own again. */
const INSTANCE = 'local';
const LOOPBACK = '127.0.0.1';
const POOL_TAG = '/Sluice/';
const CERTIFICATE_SECONDS = 86_400;
const TEMPLATE_BYTES = 500_000_000;
const TEMPLATE_REFRESH_MS = 30_000;
const TEMPLATE_FEE_RISE_PERCENT = 5;
const LEASE_MS = 6_000;
const STATISTICS_MS = 10_000;
/** Connections are closed rather than moved: there is no other gateway to move them to. */
const DRAIN_MS = 500;

const policyBounds = { hardestTarget: targetOfDifficulty(1e15), trustedHashrate: 1e16 } as const;
/** For real devices. */
const realPolicy = {
  ...policyBounds,
  sharesPerMinute: 6,
  easiestTarget: targetOfDifficulty(0.001),
  unknownHashrate: 1e12,
} as const;
/** For miners on a CPU that must show shares within seconds. */
const demoPolicy = {
  ...policyBounds,
  sharesPerMinute: 30,
  easiestTarget: targetOfDifficulty(1e-9),
  unknownHashrate: 1e5,
} as const;

export type DifficultyPolicy = Omit<ChannelManagerOptions['policy'], 'payoutNetwork'>;

export interface PoolOptions {
  readonly listen: HostPort;
  /** Folder of this chain's state. */
  readonly directory: string;
  readonly chain: Chain;
  /** Address or descriptor; absent: blocks of a simulated chain pay to nobody. */
  readonly payout?: string;
  /** Miners may have their blocks paid to the address of their identity. */
  readonly payoutByIdentity: boolean;
  /** How hard shares are; default: by the chain, for real devices or for miners on a CPU. */
  readonly difficulty?: DifficultyPolicy;
  /** 32 bytes. */
  readonly authoritySecret: Uint8Array;
  readonly ec: EcBackend;
}

export interface PoolModules {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  readonly health: Health;
  /** What was opened here is closed by it, the last first. */
  readonly shutdown: Shutdown;
}

/** Opens the streams on disk; what an earlier run stored is there again. */
export async function openBus(directory: string, { clock, log, metrics, shutdown }: PoolModules): Promise<Bus> {
  const bus = await createInProcessBus({
    directory: join(directory, 'bus'),
    clock,
    onError: (error) => log.error({ code: codeOf(error), reason: messageOf(error) }, 'bus'),
    onTornEnd: (end) => log.warn(end, 'the end of a file was not sound, as a crash leaves it, and was cut off'),
  });
  followBus(metrics, bus);
  shutdown.add('bus', () => bus.close());
  return bus;
}

/** Starts all services, those first that others ask at their start; resolves when miners can connect. */
export async function startPool(
  options: PoolOptions,
  bus: Bus,
  modules: PoolModules,
): Promise<ConnectionGatewayService> {
  const start = async <S extends Service>(name: string, create: (common: ServiceModules) => S): Promise<S> => {
    const service = create({ ...modules, bus, log: modules.log.child({ service: name }) });
    modules.shutdown.add(name, () => service.stop());
    await service.start();
    return service;
  };
  const provider = await start('template-provider', (common) => templateProvider(options, common));
  const payouts = options.payoutByIdentity ? { payoutNetwork: options.chain.network } : {};
  const difficulty = options.difficulty ?? (options.chain.simulated ? demoPolicy : realPolicy);
  const policy = { ...difficulty, ...payouts };
  await start('channel-manager', (common) => createChannelManagerService({ policy }, common));
  await start('job-distributor', (common) => jobDistributor(options, common));
  await start('share-validator', (common) => shareValidator(payouts, common));
  return start('connection-gateway', (common) => connectionGateway(options, provider.solutionPort, common));
}

type ServiceModules = PoolModules & { readonly bus: Bus };

function templateProvider({ directory, chain }: PoolOptions, common: ServiceModules) {
  const now = () => common.clock.now();
  const store = new TemplateStore({ directory: join(directory, 'templates'), maxBytes: TEMPLATE_BYTES }, { now });
  const options = { provider: INSTANCE, network: chain.network, solutionHost: LOOPBACK, solutionPort: 0 };
  return createTemplateProviderService(options, { ...common, nodes: chain.nodes, store, sleep });
}

function jobDistributor({ chain, payout, payoutByIdentity }: PoolOptions, common: ServiceModules) {
  const script = payoutScript(payout, chain.network);
  return createJobDistributorService(
    {
      instance: INSTANCE,
      network: chain.network,
      payouts: [{ script, weight: 1 }],
      payoutByIdentity,
      tag: new TextEncoder().encode(POOL_TAG),
      templateRefreshMs: TEMPLATE_REFRESH_MS,
      templateFeeRise: TEMPLATE_FEE_RISE_PERCENT,
    },
    common,
  );
}

function shareValidator(payouts: { readonly payoutNetwork?: Network }, common: ServiceModules) {
  const times = { leaseTtlMs: LEASE_MS, statisticsEveryMs: STATISTICS_MS };
  return createShareValidatorService({ instance: INSTANCE, ...times, ...payouts }, { ...common, sleep, yieldNow });
}

function connectionGateway({ listen, ec, authoritySecret }: PoolOptions, solutionPort: number, common: ServiceModules) {
  const cryptography = { ec, random: randomBytes };
  return createConnectionGatewayService(
    {
      listen: [listen],
      label: INSTANCE,
      solutionEndpoints: [{ host: LOOPBACK, port: solutionPort }],
      limits: defaultLimits,
      drainMs: DRAIN_MS,
      reconnectVendors: [],
    },
    {
      ...common,
      ...cryptography,
      aead: wasmAead(),
      sha256d: wasmSha256d,
      identity: selfCertified(authoritySecret, CERTIFICATE_SECONDS, { ...common, ...cryptography }),
    },
  );
}
