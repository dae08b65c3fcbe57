// How a miner of Stratum V1 comes to its work, as firmware does: mining.configure, mining.subscribe and mining.authorize, each after the answer to the
// one before, then the first job; with the time that each step took.
import { authorizeLine, configureLine, subscribeLine } from '@sluice/sv1/client-lines';
import type { Response } from '@sluice/sv1/json-rpc';
import { answeredId, readConfigured, readSubscription, refusalOf } from '@sluice/sv1/pool-answers';
import { BIP320_MASK } from '@sluice/sv1/version-bits';
import type { Kit } from '../kit.ts';
import { monotonicMs } from '../measure/monotonic.ts';
import type { OpenPhase } from '../orders.ts';
import { Sv1LoadWork } from './work.ts';

const CONFIGURE_ID = 1;
const SUBSCRIBE_ID = 2;
const AUTHORIZE_ID = 3;
/** Those of shares are above. */
export const LAST_OPENING_ID = AUTHORIZE_ID;

export interface OpeningMiner {
  send(line: string): void;
  /** It has an extranonce; jobs may come from now on. @param rollsVersion whether shares name version bits. */
  subscribed(work: Sv1LoadWork, extranonce1: Uint8Array, rollsVersion: boolean): void;
  opened(): void;
}

export class Sv1Opening {
  readonly #user: string;
  readonly #kit: Kit;
  readonly #miner: OpeningMiner;
  readonly #begunAt = monotonicMs();
  #stepAt = this.#begunAt;
  #rollsVersion = false;
  #isAuthorized = false;

  constructor(user: string, kit: Kit, miner: OpeningMiner) {
    this.#user = user;
    this.#kit = kit;
    this.#miner = miner;
  }

  connected(): void {
    this.#step('TCP');
    this.#miner.send(configureLine(CONFIGURE_ID, BIP320_MASK));
  }

  /** Returns why the connection cannot be opened. */
  onAnswer(answer: Response): string | undefined {
    switch (answeredId(answer)) {
      case CONFIGURE_ID:
        this.#rollsVersion = readConfigured(answer).versionMask !== 0;
        this.#step('setup');
        this.#miner.send(subscribeLine(SUBSCRIBE_ID, 'sluice-load'));
        return undefined;
      case SUBSCRIBE_ID: {
        const subscription = readSubscription(answer);
        if (subscription === undefined) return 'mining.subscribe was refused';
        const { extranonce1, extranonce2Size } = subscription;
        this.#miner.subscribed(new Sv1LoadWork(extranonce1, extranonce2Size), extranonce1, this.#rollsVersion);
        this.#miner.send(authorizeLine(AUTHORIZE_ID, this.#user, 'x'));
        return undefined;
      }
      case AUTHORIZE_ID:
        if (refusalOf(answer) !== undefined) return `mining.authorize was refused: ${refusalOf(answer)?.message}`;
        this.#step('channels');
        this.#isAuthorized = true;
        return undefined;
      default:
        return 'an answer to nothing';
    }
  }

  /** The miner has a job. */
  working(): void {
    if (!this.#isAuthorized) return;
    this.#step('first jobs');
    this.#kit.phases.open.record(monotonicMs() - this.#begunAt);
    this.#miner.opened();
  }

  #step(phase: OpenPhase): void {
    const now = monotonicMs();
    this.#kit.phases[phase].record(now - this.#stepAt);
    this.#stepAt = now;
  }
}
