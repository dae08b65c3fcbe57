// Whoever is attacked, with honest miners beside the attackers.
import { readFileSync } from 'node:fs';
import type { AttackerProcess, AttackOn } from './attacker-process.ts';

/** What honest miners felt for a while. */
export interface Felt {
  /** Of the acknowledgement, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly samples: number;
}

export interface HostileTarget {
  /** Honest miners that lost their connection so far. */
  readonly lost: number;
  /** What the process has of the system, in MiB. */
  readonly memory: number;
  /** What it has in use, its garbage collected, in MiB. */
  memoryInUse(): Promise<number>;
  /** What honest miners feel from now on for so long. */
  feel(ms: number): Promise<Felt>;
  begin(attacks: readonly AttackOn[]): Promise<AttackerProcess>;
  /** An honest miner comes, and is given work: resolves then; rejects when it is not let in. */
  newcomer(): Promise<void>;
  /** One metric without its prefix, added up over the labels that hold this. */
  metric(name: string, label?: string): Promise<number>;
  /**
   * By how many milliseconds its event loop was late at most since this or any metric was asked last: at least so long it stood still. A stall may be
   * missed that is shorter than 50, or than a second where the loop is idle.
   */
  longestStall(): Promise<number>;
  /** Resolves when nobody but the honest miners is connected. */
  alone(): Promise<void>;
  logs(): string;
  stop(): Promise<void>;
}

/** Of every process, in seconds. */
export const LONGEST_STALL = 'nodejs_eventloop_lag_max_seconds';
const KIBIBYTES_A_MEBIBYTE = 1_024;

/** What a process has of the system, in MiB; NaN when it does not run. */
export function residentMemory(pid: number | undefined): number {
  if (pid === undefined) return Number.NaN;
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / KIBIBYTES_A_MEBIBYTE;
}
