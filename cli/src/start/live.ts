// Gathers a snapshot once a second and shows it.
import type { Clock } from '@sluice/runtime/clock';
import type { Health } from '@sluice/runtime/health';
import type { MetricsRegistry } from '@sluice/runtime/metrics';
import type { Notices } from './notices.ts';
import type { Observer } from './observer.ts';
import type { Screen } from './screen.ts';
import type { Snapshot } from './snapshot.ts';

const INTERVAL_MS = 1_000;

export interface LiveOptions {
  readonly version: string;
  readonly chain: string;
  readonly url: string;
}

export interface LiveModules {
  readonly clock: Clock;
  readonly observer: Observer;
  readonly metrics: MetricsRegistry;
  readonly health: Health;
  readonly notices: Notices;
  readonly screen: Screen;
}

export class Live {
  readonly #options: LiveOptions;
  readonly #modules: LiveModules;
  readonly #startedAt: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LiveOptions, modules: LiveModules) {
    this.#options = options;
    this.#modules = modules;
    this.#startedAt = modules.clock.monotonic();
  }

  /** The first snapshot is shown after one interval: a start that goes well shows no waiting. */
  start(): void {
    this.#timer = setInterval(() => void this.#show(), INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #show(): Promise<void> {
    this.#modules.screen.show(await this.#snapshot());
  }

  async #snapshot(): Promise<Snapshot> {
    const { clock, observer, metrics, health, notices } = this.#modules;
    const total = async (name: string) => (await metrics.series(name)).reduce((sum, { value }) => sum + value, 0);
    const refused = await metrics.series('sluice_gateway_shares_refused_total');
    return {
      ...this.#options,
      nowMs: clock.now(),
      uptimeMs: clock.monotonic() - this.#startedAt,
      height: observer.height,
      connections: await total('sluice_gateway_connections'),
      channels: await total('sluice_gateway_channels'),
      hashrate: observer.hashrate(),
      accepted: await total('sluice_gateway_shares_stored_total'),
      rejected: new Map(
        refused.filter(({ value }) => value > 0).map(({ labels, value }) => [labels.code ?? '', value]),
      ),
      creditedEver: observer.creditedEver,
      readBack: observer.readBack,
      blocks: observer.blocks,
      lastBlock: observer.lastBlock,
      waitingFor: [...health.readiness().checks].flatMap(([name, reason]) =>
        reason === undefined ? [] : [`${name}: ${reason}`],
      ),
      notices: notices.lines,
    };
  }
}
