// Which templates' transactions are asked for: few at a time, the newest template first, and of a flood of templates the older ones never.

/** On their way at once. A new tip's template does not wait behind those of the last one. */
export const OUTSTANDING_BOUND = 4;
/** Templates that wait for their turn; of more the oldest is left out. */
export const WAITING_BOUND = 4;
/** Megabytes may have to come over a slow line. */
export const ANSWER_DEADLINE_MS = 30_000;

export interface TransactionRequestsModules {
  ask(templateId: bigint): void;
  /** One was not answered in time. */
  onOverdue(): void;
}

export class TransactionRequests {
  readonly #modules: TransactionRequestsModules;
  readonly #outstanding = new Map<bigint, NodeJS.Timeout>();
  readonly #waiting: bigint[] = [];

  constructor(modules: TransactionRequestsModules) {
    this.#modules = modules;
  }

  want(templateId: bigint): void {
    this.#waiting.push(templateId);
    if (this.#waiting.length > WAITING_BOUND) this.#waiting.shift();
    this.#next();
  }

  /** False: nobody had asked. */
  answered(templateId: bigint): boolean {
    const deadline = this.#outstanding.get(templateId);
    if (deadline === undefined) return false;
    clearTimeout(deadline);
    this.#outstanding.delete(templateId);
    this.#next();
    return true;
  }

  stop(): void {
    this.#waiting.length = 0;
    for (const deadline of this.#outstanding.values()) clearTimeout(deadline);
    this.#outstanding.clear();
  }

  #next(): void {
    while (this.#outstanding.size < OUTSTANDING_BOUND) {
      const templateId = this.#waiting.pop();
      if (templateId === undefined) return;
      this.#outstanding.set(
        templateId,
        setTimeout(() => this.#modules.onOverdue(), ANSWER_DEADLINE_MS),
      );
      this.#modules.ask(templateId);
    }
  }
}
