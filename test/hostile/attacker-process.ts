// Attacks in a process of their own, so that what they cost the attacker is not taken for what they cost the others.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { AttackPlan } from './attack.ts';
import type { AttackName } from './attacks.ts';

export interface AttackOn {
  readonly name: AttackName;
  readonly connections: number;
}

/** What the child is told of each. */
export interface AttackOrder {
  readonly name: AttackName;
  readonly plan: AttackPlan;
}

export class AttackerProcess {
  /** Attacks so far, of all processes. */
  static #begun = 0;
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exit = once(child, 'exit');
  }

  /** Resolves when it has begun. Each attack has an address of its own, so that what one of them has used up is not missed by the next. */
  static async begin(
    target: Pick<AttackPlan, 'port' | 'authorityKey'>,
    attacks: readonly AttackOn[],
  ): Promise<AttackerProcess> {
    const child = fork(fileURLToPath(import.meta.resolve('./attacker-child.ts')));
    // The attackers of a pool do not live on its cores.
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
    const attacker = new AttackerProcess(child);
    await attacker.#tell(
      attacks.map(({ name, connections }) => {
        AttackerProcess.#begun += 1;
        return { name, plan: { ...target, connections, address: `127.66.${AttackerProcess.#begun}.1` } };
      }),
    );
    return attacker;
  }

  /** Resolves when every connection is gone, with what the attacks have seen. */
  async end(): Promise<Readonly<Record<string, number>>> {
    const seen = await this.#tell('stop');
    await this.#exit;
    return seen as Readonly<Record<string, number>>;
  }

  /** Resolves with the answer; rejects when it has ended by itself. */
  async #tell(message: readonly AttackOrder[] | 'stop'): Promise<unknown> {
    const ended = this.#exit.then(() => Promise.reject(new Error('the attacker has ended by itself')));
    // It ends after its last answer as well.
    ended.catch(() => undefined);
    const answer = once(this.#child, 'message');
    if (this.#child.connected) this.#child.send(message);
    const [seen] = await Promise.race([answer, ended]);
    return seen;
  }
}
