// What the course of the hour finds of each way to the pool.
import type { ArmName } from './arms.ts';
import type { Ledger } from './ledger.ts';
import type { SocketCount } from './socket-bytes.ts';

export interface MeasuredArm {
  readonly name: ArmName;
  readonly connections: number;
  /** From the first connection to the last answer, all shares of the hour sent as fast as they are answered. */
  readonly whole: Ledger;
  readonly sockets: SocketCount;
  /** Behind it: some time at the pace of the hour. */
  readonly atPace: Ledger;
  readonly socketsAtPace: Pick<SocketCount, 'segmentsUp' | 'segmentsDown'>;
  /** Shares of all miners, all accepted. */
  readonly shares: number;
  readonly sharesAtPace: number;
  /** Shares of the whole hour that went up, by worker; absent where each miner is the pool's. */
  readonly sharesByWorker: ReadonlyMap<string, number> | undefined;
}

export interface MeasuredHour {
  readonly arms: readonly MeasuredArm[];
  /** Of all templates with transactions. */
  readonly levels: number;
  readonly jobs: number;
  readonly tips: number;
  readonly seconds: number;
  readonly paceSeconds: number;
}
