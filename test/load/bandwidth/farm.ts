// All miners of one server, in this process: each on a connection of its own, or all of them as channels of one.
import { setTimeout as sleep } from 'node:timers/promises';
import { targetOfDifficulty, targetToBytes } from '@sluice/bitcoin/target';
import { LoadConnection } from '../connection.ts';
import { Kit } from '../kit.ts';
import type { MinerConnection } from '../miner-connection.ts';
import { openAll } from '../modes/open.ts';
import type { ChannelKind } from '../orders.ts';
import type { PoolAddress } from '../pool-address.ts';
import { AcceptedAnswers } from '../sv1/accepted-answers.ts';
import { Sv1Connection } from '../sv1/connection.ts';
import { Sv1Jobs } from '../sv1/jobs.ts';
import type { Ledger } from './ledger.ts';

export const ACCOUNT = 'farm';
/** Of every miner's shares, as Stratum V1 has it: four hashes. */
export const SHARE_DIFFICULTY = 2 ** -30;
/** Connections that open at the same time. */
const AT_ONCE = 50;
const ANSWER_STEP_MS = 5;

export interface FarmPlan {
  readonly server: PoolAddress;
  readonly miners: number;
  /** Of Stratum V2. */
  readonly kind?: ChannelKind;
  /** Channels of each connection; default 1. */
  readonly channels?: number;
}

export class Farm {
  readonly #kit: Kit;
  readonly #connections: readonly MinerConnection[];
  /** By slot: the hexadecimal hash of the tip. */
  readonly #tips: string[] = [];
  #next = 0;

  constructor({ server, miners, kind = 'standard', channels = 1 }: FarmPlan) {
    const connections = miners / channels;
    this.#kit = new Kit({
      ...{ worker: 0, workers: 1, connections, pools: [server], localAddresses: [], kind, channels },
      ...{
        identity: ACCOUNT,
        hashrate: 1,
        maxTarget: targetToBytes(targetOfDifficulty(SHARE_DIFFICULTY)),
        sendBlocks: false,
      },
    });
    this.#kit.sending = true;
    this.#kit.onTip = ({ slot }, prevHash) => {
      this.#tips[slot] = Buffer.from(prevHash).toString('hex');
    };
    const sv1 = { answers: new AcceptedAnswers(), jobs: new Sv1Jobs() };
    this.#connections = Array.from({ length: connections }, (_, index) =>
      server.protocol === 'stratum-v1'
        ? new Sv1Connection(index, index, this.#kit, sv1)
        : new LoadConnection(index, index, this.#kit),
    );
  }

  /** Resolves when every miner has a job; fails when one cannot be opened. */
  async open(): Promise<void> {
    const { failed } = await openAll(this.#connections, { atOnce: AT_ONCE, perSecond: undefined });
    if (failed.size > 0) throw new Error([...failed.keys()].join(', '));
  }

  async close(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }

  /** Shares that the server took. */
  get accepted(): number {
    return this.#kit.counts.acknowledged;
  }

  /** What miners and their server have said to each other so far. */
  get ledger(): Ledger {
    return { up: this.#kit.sent.rows, down: this.#kit.received.rows };
  }

  /** Whether every miner works on this tip: 32 bytes, wire order. */
  isOn(prevHash: Uint8Array): boolean {
    const tip = Buffer.from(prevHash).toString('hex');
    return this.#connections.every(({ slot }) => this.#tips[slot] === tip);
  }

  /** The next miner in turn sends a share. */
  submitOne(): void {
    const { channels } = this.#kit.plan;
    const miner = this.#next++ % (this.#connections.length * channels);
    const connection = this.#connections[Math.floor(miner / channels)];
    const channel = connection?.channels[miner % channels];
    if (connection === undefined || channel === undefined) throw new Error(`miner ${miner} has no channel`);
    channel.owed += 1;
    connection.serve(channel);
  }

  /** Resolves when every share is answered; fails when one was refused, or a connection lost. */
  async allAnswered(): Promise<void> {
    const { counts, refusedByCode, lost } = this.#kit;
    while (counts.acknowledged < this.#next) {
      const faults = [...refusedByCode.keys(), ...lost.keys()];
      if (faults.length > 0 || counts.miscounted > 0)
        throw new Error(`shares were refused or lost: ${faults.join(', ')}`);
      await sleep(ANSWER_STEP_MS);
    }
  }
}
