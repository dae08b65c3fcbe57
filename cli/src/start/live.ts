// Gathers a snapshot once a second and shows it.
import { difficultyOfTarget } from '@sluice/bitcoin/target';
import type { Clock } from '@sluice/runtime/clock';
import type { Health } from '@sluice/runtime/health';
import type { MetricsRegistry } from '@sluice/runtime/metrics';
import type { Notices } from './notices.ts';
import type { Observer } from './observer.ts';
import type { Screen } from './screen.ts';
import type { Snapshot } from './snapshot.ts';
import { waitingFor } from './waiting.ts';

const INTERVAL_MS = 1_000;

export interface LiveOptions {
  readonly version: string;
  readonly chain: string;
  readonly urls: readonly string[];
  readonly payout: string;
}

export interface LiveModules {
  readonly clock: Clock;
  readonly observer: Observer;
  readonly metrics: MetricsRegistry;
  readonly health: Health;
  readonly notices: Notices;
  readonly screen: Screen;
  /** Shares refused on open channels, by worker. */
  refused(): ReadonlyMap<string, number>;
}

export class Live {
  readonly #options: LiveOptions;
  readonly #modules: LiveModules;
  readonly #startedAt: number;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: LiveOptions, modules: LiveModules) {
    this.#options = options;
    this.#modules = modules;
    this.#startedAt = modules.clock.monotonic();
  }

  /** The first snapshot is shown after one interval: a start that goes well shows no waiting. */
  start(): void {
    this.#timer = setInterval(() => void this.#show(), INTERVAL_MS);
  }

  /** Nothing is shown any more. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#modules.screen.close();
  }

  async #show(): Promise<void> {
    const snapshot = await this.#snapshot();
    if (!this.#stopped) this.#modules.screen.show(snapshot);
  }

  async #snapshot(): Promise<Snapshot> {
    const { clock, observer, metrics, health, notices } = this.#modules;
    const total = async (name: string) => (await metrics.series(name)).reduce((sum, { value }) => sum + value, 0);
    const refused = await metrics.series('sluice_gateway_shares_refused_total');
    const { networkTarget } = observer;
    return {
      ...this.#options,
      nowMs: clock.now(),
      uptimeMs: clock.monotonic() - this.#startedAt,
      height: observer.height,
      connections: await total('sluice_gateway_connections'),
      channels: await total('sluice_gateway_channels'),
      hashrate: observer.hashrate(),
      networkDifficulty: networkTarget === undefined ? undefined : difficultyOfTarget(networkTarget),
      bestDifficulty: await total('sluice_gateway_best_share_difficulty'),
      accepted: await total('sluice_gateway_shares_stored_total'),
      rejected: new Map(
        refused.filter(({ value }) => value > 0).map(({ labels, value }) => [labels.code ?? '', value]),
      ),
      creditedEver: observer.creditedEver,
      readBack: observer.readBack,
      blocks: observer.blocks,
      latestBlocks: observer.latestBlocks,
      workers: observer.workers(this.#modules.refused()),
      waitingFor: waitingFor(health.readiness().checks),
      notices: notices.lines,
    };
  }
}
