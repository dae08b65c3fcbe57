// Where a downstream protocol and the farm meet: what one miner is given, and what it hands in. Neither side knows of the other's sockets.
import type { ShareTarget } from '@sluice/mining/share-target';
import type { ErrorCode } from '@sluice/sv2/error-codes';

/**
 * Work for all miners. One object for all that get the same bytes, so what was made of it (a line of mining.notify) may be kept by the object.
 * Coinbase without witness: coinbasePrefix, extranonce1 of the miner, extranonce2 of the share, coinbaseSuffix.
 */
export interface FarmJob {
  /** u32 of the proxy's own, not used twice in the life of the process; 0 is none. */
  readonly id: number;
  /** Header version, u32. */
  readonly version: number;
  /** Bits of the version that may be rolled, u32; 0: none. */
  readonly versionMask: number;
  /** 32 bytes in wire order. */
  readonly prevHash: Uint8Array;
  /** Compact target of the network, u32. */
  readonly nbits: number;
  /** Unix seconds to begin with; higher than that of an earlier job of the same bytes. */
  readonly ntime: number;
  /** Smallest header time that is taken, Unix seconds. */
  readonly minNtime: number;
  /** Ends with the extranonce prefix of the upstream and constant padding. */
  readonly coinbasePrefix: Uint8Array;
  readonly coinbaseSuffix: Uint8Array;
  /** 32-byte siblings in wire order, deepest first. */
  readonly merklePath: readonly Uint8Array[];
}

/** What became of a share: '' for an accepted one. */
export type ShareAnswer = ErrorCode<'SubmitShares.Error'> | '';

/** Told by the farm; nothing comes before `authorize`, and nothing after `close`. */
export interface MinerListener {
  /** What the miner calls its software; empty when it does not tell. */
  readonly agent: string;
  /** Where it connected from, for people. */
  readonly remoteAddress: string;

  /**
   * Holds for the jobs after it, one of which follows at once. That of a power of two as a difficulty of SV1, unless the miner claimed to take
   * no shares that easy.
   */
  onTarget(target: ShareTarget): void;
  /** `clean`: shares of earlier jobs are stale. */
  onJob(job: FarmJob, clean: boolean): void;
  /** Called once for each share, within `submit` or later, in any order. @param request as it was given with the share. */
  onAnswer(request: string, answer: ShareAnswer): void;
}

/** What a miner says of itself that knows more than difficulties. */
export interface MinerClaim {
  /** Hashes a second; 0: not told. */
  readonly nominalHashrate: number;
  /** The easiest target that it takes, 1 to 2^256 - 1. */
  readonly maxTarget: bigint;
}

/** One place in the farm, from `Farm.open`. */
export interface Miner {
  /** The miner's part of the extranonce; the same whatever the upstream. */
  readonly extranonce1: Uint8Array;
  /** Bytes that the miner rolls; the same whatever the upstream. */
  readonly extranonce2Size: number;

  /**
   * Starts work: a target and a job follow at once, or as soon as there is an upstream. Called again it names the worker of later shares anew.
   * @param user account and worker as the miner gave them, decoded; never empty. What the upstream is told of it is the farm's matter.
   */
  authorize(user: string): void;

  /**
   * The miner's wish for its difficulty (of SV1, positive), before or after `authorize`. Honoured within bounds and until its first accepted
   * share, once.
   */
  suggestDifficulty(difficulty: number): void;

  /**
   * What the miner says of itself: before `authorize` it decides its first target, later it takes the place of the last claim. True: another target
   * follows, with a job and within about a second.
   */
  claim(claim: MinerClaim): boolean;

  /** Header version of a job that this miner was given; `undefined` when it is not known any more, which `submit` will refuse. */
  versionOf(jobId: number): number | undefined;

  /**
   * @param extranonce2 any length, valid during the call.
   * @param version of the header, in full.
   * @param request handed back with the answer.
   */
  submit(jobId: number, extranonce2: Uint8Array, ntime: number, nonce: number, version: number, request: string): void;

  /** A share was refused for its form, before it could be handed in. Only counted: whoever refused it has answered. */
  refusedForm(code: ErrorCode<'SubmitShares.Error'>): void;

  /** Answers nothing any more and gives the place back. */
  close(): void;
}

/** Places for miners. */
export interface MinerPlaces {
  /** `undefined`: all places are taken. */
  open(listener: MinerListener): Miner | undefined;
}
