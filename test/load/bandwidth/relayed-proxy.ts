// `sluice proxy` in front of a gateway, with a relay between that has the pool ask for shares of a given difficulty.
import { targetOfDifficulty, targetToBytes } from '@sluice/bitcoin/target';
import { freePort } from '../../support/free-port.ts';
import type { PoolProcesses } from '../../support/pool-processes.ts';
import { ServiceProcess } from '../../support/service-process.ts';
import type { PoolAddress } from '../pool-address.ts';
import { ACCOUNT } from './farm.ts';
import { type JobListener, UpstreamRelay } from './upstream-relay.ts';

export interface RelayedProxyPlan {
  readonly name: string;
  readonly pool: PoolProcesses;
  readonly gateway: number;
  /** Of shares that go up, as Stratum V1 has it. */
  readonly difficulty: number;
  readonly listener?: JobListener;
}

export class RelayedProxy {
  readonly relay: UpstreamRelay;
  readonly process: ServiceProcess;
  /** Where miners of Stratum V1 connect. */
  readonly server: PoolAddress;

  private constructor(relay: UpstreamRelay, process: ServiceProcess, server: PoolAddress) {
    this.relay = relay;
    this.process = process;
    this.server = server;
  }

  /** Resolves when miners can connect. */
  static async start({ name, pool, gateway, difficulty, listener }: RelayedProxyPlan): Promise<RelayedProxy> {
    const relay = await UpstreamRelay.start({
      ...{ port: pool.gatewayPort(gateway), authorityKey: pool.authorityKey },
      maxTarget: targetToBytes(targetOfDifficulty(difficulty)),
      ...(listener === undefined ? {} : { listener }),
    });
    const port = await freePort();
    const process = new ServiceProcess({
      ...{ name, command: 'proxy', healthPort: await freePort(), directory: pool.directory },
      flags: [
        ...['--listen', `127.0.0.1:${port}`, '--identity', ACCOUNT],
        ...['--upstream', `stratum2+tcp://127.0.0.1:${relay.port}/${relay.authorityKey}`],
        // Miners have the easiest difficulty at any pace.
        ...['--first-difficulty', '1e-9', '--easiest-difficulty', '1e-9', '--shares-per-minute', '100000'],
      ],
    });
    const proxy = new RelayedProxy(relay, process, { host: '127.0.0.1', port, protocol: 'stratum-v1' });
    process.launch();
    try {
      await process.ready();
      return proxy;
    } catch (error) {
      await proxy.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.process.kill();
    await this.relay.stop();
  }
}
