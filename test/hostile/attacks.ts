// Every attack by its name.
import type { Attack } from './attack.ts';
import { idleChannels, manyChannels, slowReaders } from './attacks/channels.ts';
import { hugeFrames } from './attacks/frames.ts';
import { duplicateShares, invalidShares, oldJobs, skewedClocks, validShares, wrongChannels } from './attacks/shares.ts';
import { certificateProbes, handshakeStorm, proxiedStorm, tcpProbes } from './attacks/storms.ts';
import { v1ByteASecond, v1InvalidShares, v1LongLines, v1NoLines, v1SlowReaders } from './attacks/stratum-v1.ts';
import { byteASecond, halfOpen, unfinishedHandshake } from './attacks/unfinished.ts';

export const attacks = {
  halfOpen,
  byteASecond,
  unfinishedHandshake,
  handshakeStorm,
  proxiedStorm,
  tcpProbes,
  certificateProbes,
  manyChannels,
  idleChannels,
  validShares,
  duplicateShares,
  invalidShares,
  slowReaders,
  hugeFrames,
  wrongChannels,
  oldJobs,
  skewedClocks,
  v1ByteASecond,
  v1InvalidShares,
  v1LongLines,
  v1NoLines,
  v1SlowReaders,
} as const satisfies Record<string, Attack>;
export type AttackName = keyof typeof attacks;
