// What this process was told to do with its connections: one order at a time, which ends with another one, with its cancelling or with the
// process. Whoever gives it needs no answer: told again it goes on.
import type { Logger } from '@sluice/runtime/logger';
import { type Drain, type DrainedConnection, type DrainGoal, pacedDeadlineMs } from './drain.ts';

export interface MoveOrder extends DrainGoal {
  /** Its name: told once more under the same, it is the same order. */
  readonly order: string;
}

/** How far an order is, as it is told to whoever gave it. */
export interface MoveProgress {
  /** That are open. */
  readonly connections: number;
  /** What is followed or has been carried out. */
  readonly order: string | null;
  /** Connections that are still to go. */
  readonly left: number;
}

export type RunningDrain = Pick<Drain<DrainedConnection>, 'done' | 'left' | 'hasten' | 'cancel'>;

/** The connections of one server. */
export interface MovableConnections {
  /** That are open. */
  size(): number;
  /** Has new ones closed unread, or taken again. */
  refuse(isRefusing: boolean): void;
  /** Called only while there are some. */
  startDrain(goal: DrainGoal): RunningDrain;
}

export interface MoveOrdersModules {
  readonly log: Logger;
  /** At which pace connections go where that takes less time than there is; undefined: the default one. */
  readonly perSecond: number | undefined;
}

export class MoveOrders {
  readonly #servers: MovableConnections[] = [];
  readonly #modules: MoveOrdersModules;
  #order: string | undefined;
  /** Of what is followed or has been carried out. */
  #keep: number | undefined;
  #drains: readonly RunningDrain[] = [];
  #isEnding = false;

  constructor(modules: MoveOrdersModules) {
    this.#modules = modules;
  }

  /** Adds a server that will take connections from now on. */
  add(server: MovableConnections): void {
    this.#servers.push(server);
    server.refuse(this.#keep === 0);
  }

  get progress(): MoveProgress {
    const left = this.#drains.reduce((sum, drain) => sum + drain.left, 0);
    return { connections: this.#connections, order: this.#order ?? null, left };
  }

  /** Whether there is an order, or the process ends. */
  get isDraining(): boolean {
    return this.#keep !== undefined;
  }

  /** With none to keep, new connections are refused until another order. Without effect while the process ends. */
  begin({ order, keep, deadlineMs }: MoveOrder): void {
    if (this.#isEnding || order === this.#order) return;
    this.#modules.log.info({ order, keep, deadlineMs, connections: this.#connections }, 'connections are moved away');
    this.#order = order;
    this.#refuse(keep === 0);
    this.#start({ keep, deadlineMs });
  }

  /** Who is still here stays, and new connections are taken again. Without effect while the process ends. */
  cancel(): void {
    if (this.#isEnding || this.#order === undefined) return;
    this.#modules.log.info(
      { order: this.#order, connections: this.#connections },
      'no more connections are moved away',
    );
    this.#stopMoving();
    this.#order = undefined;
    this.#keep = undefined;
    this.#refuse(false);
  }

  /** Moves all away, since the process ends; of this and an order for all the earlier end counts. Resolves when none is left. */
  async finish(deadlineMs: number): Promise<void> {
    this.#isEnding = true;
    const isMovingAll = this.#keep === 0 && this.progress.left > 0;
    if (isMovingAll) for (const drain of this.#drains) drain.hasten(this.#paced({ keep: 0, deadlineMs }));
    else this.#start({ keep: 0, deadlineMs });
    await Promise.all(this.#drains.map(({ done }) => done));
  }

  get #connections(): number {
    return this.#servers.reduce((sum, server) => sum + server.size(), 0);
  }

  #start(goal: DrainGoal): void {
    this.#stopMoving();
    this.#keep = goal.keep;
    const total = this.#connections;
    const deadlineMs = this.#paced(goal);
    this.#drains = this.#servers
      .filter((server) => server.size() > 0)
      .map((server) => server.startDrain({ keep: Math.ceil((goal.keep * server.size()) / total), deadlineMs }));
  }

  #stopMoving(): void {
    for (const drain of this.#drains) drain.cancel();
    this.#drains = [];
  }

  #refuse(isRefusing: boolean): void {
    for (const server of this.#servers) server.refuse(isRefusing);
  }

  #paced({ keep, deadlineMs }: DrainGoal): number {
    return pacedDeadlineMs(this.#connections - keep, deadlineMs, this.#modules.perSecond);
  }
}
