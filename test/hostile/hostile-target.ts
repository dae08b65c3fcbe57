// Whoever is attacked, with honest miners beside the attackers.
import type { AttackerProcess } from './attacker-process.ts';
import type { AttackName } from './attacks.ts';

/** What honest miners felt for a while. */
export interface Felt {
  /** Of the acknowledgement, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly samples: number;
}

export interface AttackOn {
  readonly name: AttackName;
  readonly connections: number;
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
  /** Each from an address of its own, so that what one of them has used up is not missed by the next. */
  begin(attacks: readonly AttackOn[]): Promise<AttackerProcess>;
  /** An honest miner comes, and is given work: resolves then; rejects when it is not let in. */
  newcomer(): Promise<void>;
  /** One metric without its prefix, added up over the labels that hold this. */
  metric(name: string, label?: string): Promise<number>;
  /** Resolves when nobody but the honest miners is connected. */
  alone(): Promise<void>;
  logs(): string;
  stop(): Promise<void>;
}

const KIBIBYTES_A_MEBIBYTE = 1_024;

/** Of /proc/PID/status, in MiB. */
export function residentMemory(status: string): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / KIBIBYTES_A_MEBIBYTE;
}
