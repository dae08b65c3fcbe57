// What is tried, in the order in which it is tried: storms last, because they use up the rate of new connections that is there for all.
import type { AttackOn } from './attacker-process.ts';

/** A metric without the prefix of who is attacked, a label that it must have, and by how much it grows at least. */
export type Counted = readonly [metric: string, label: string, atLeast: number];

export interface HostileCase {
  /** As in docs/operations/limits.md. */
  readonly name: string;
  readonly attacks: readonly AttackOn[];
  /** What names the cause: each of them grows by at least so many. */
  readonly counts: readonly Counted[];
  /** The same of what takes minutes, and of what only smaller limits bring about. */
  readonly countsAtLength?: readonly Counted[];
  readonly countsInShort?: readonly Counted[];
  /** Nobody new is let in meanwhile: the rate of new connections is that of all. */
  readonly keepsOthersOut?: boolean;
}

/** Peers that take their time. The short suite has all of them at once, since each takes some ten seconds to be told. */
export const slowCases: readonly HostileCase[] = [
  {
    name: 'half-open',
    attacks: [{ name: 'halfOpen', connections: 200 }],
    counts: [['connections_closed_total', 'reason="handshake-timeout"', 200]],
  },
  {
    name: 'byte-a-second',
    attacks: [{ name: 'byteASecond', connections: 100 }],
    counts: [['connections_closed_total', 'reason="handshake-timeout"', 100]],
  },
  {
    name: 'unfinished-handshake',
    attacks: [{ name: 'unfinishedHandshake', connections: 100 }],
    counts: [['connections_closed_total', 'reason="setup-timeout"', 100]],
  },
  {
    name: 'idle-channels',
    attacks: [{ name: 'idleChannels', connections: 100 }],
    counts: [['connections_closed_total', 'reason="share-timeout"', 100]],
  },
  {
    name: 'slow-readers',
    attacks: [{ name: 'slowReaders', connections: 2 }],
    counts: [['channels_opened_total', '', 300]],
    // The system takes four megabytes before anything waits in the gateway.
    countsAtLength: [['connections_closed_total', 'reason="slow-reader"', 1]],
  },
];

/** Peers that want too much, or what there is not. */
export const floodCases: readonly HostileCase[] = [
  {
    name: 'ten-thousand-channels',
    attacks: [{ name: 'manyChannels', connections: 1 }],
    counts: [['held_back_total', 'limit="connection"', 1]],
    countsAtLength: [['opens_over_limit_total', 'limit="pending"', 1]],
  },
  {
    name: 'valid-shares',
    attacks: [{ name: 'validShares', connections: 1 }],
    counts: [['shares_accepted_total', '', 3_000]],
    // With the usual limits the difficulty rises before.
    countsInShort: [['held_back_total', 'limit="connection"', 1]],
    countsAtLength: [['set_targets_total', '', 1]],
  },
  {
    name: 'duplicate-shares',
    attacks: [{ name: 'duplicateShares', connections: 4 }],
    counts: [
      ['shares_refused_total', 'code="duplicate-share"', 500],
      ['held_back_total', 'limit="connection"', 4],
    ],
  },
  {
    name: 'invalid-shares',
    attacks: [{ name: 'invalidShares', connections: 4 }],
    counts: [
      ['shares_refused_total', 'code="invalid-non-rollable-version-bit"', 500],
      ['held_back_total', 'limit="connection"', 4],
    ],
  },
  {
    name: 'flood-from-one-address',
    attacks: [{ name: 'invalidShares', connections: 150 }],
    counts: [['held_back_total', 'limit="address"', 1]],
  },
  {
    name: 'wrong-channels',
    attacks: [{ name: 'wrongChannels', connections: 4 }],
    counts: [
      ['shares_refused_total', 'code="invalid-channel-id"', 200],
      ['updates_refused_total', 'code="invalid-channel-id"', 200],
      ['messages_ignored_total', '', 200],
    ],
  },
  {
    name: 'old-jobs',
    attacks: [{ name: 'oldJobs', connections: 2 }],
    counts: [['shares_refused_total', 'code="invalid-job-id"', 500]],
  },
  {
    name: 'clock-skew',
    attacks: [{ name: 'skewedClocks', connections: 2 }],
    counts: [['shares_refused_total', 'code="invalid-share"', 500]],
  },
  {
    name: 'frames-of-16-mb',
    attacks: [{ name: 'hugeFrames', connections: 4 }],
    counts: [['connections_closed_total', 'reason="payload-too-long"', 8]],
  },
  {
    name: 'connections-of-one-address',
    attacks: [{ name: 'halfOpen', connections: 500 }],
    counts: [['connections_refused_total', 'limit="address"', 1]],
  },
  {
    name: 'certificate-probes',
    attacks: [{ name: 'certificateProbes', connections: 16 }],
    counts: [
      ['connections_closed_total', 'reason="left-before-setup"', 100],
      ['connections_refused_total', 'limit="address-rate"', 1],
    ],
  },
  {
    name: 'tcp-probes',
    attacks: [{ name: 'tcpProbes', connections: 16 }],
    counts: [
      ['connections_closed_total', 'reason="left-before-handshake"', 100],
      ['connections_refused_total', 'limit="address-rate"', 1],
    ],
  },
  {
    name: 'handshake-storm',
    attacks: [{ name: 'handshakeStorm', connections: 32 }],
    keepsOthersOut: true,
    counts: [
      ['handshakes_total', '', 100],
      ['connections_refused_total', 'limit="rate"', 1],
    ],
  },
  {
    name: 'handshake-storm-behind-a-balancer',
    attacks: [{ name: 'proxiedStorm', connections: 32 }],
    keepsOthersOut: true,
    counts: [
      ['handshakes_total', '', 50],
      ['connections_refused_total', 'limit="rate"', 1],
    ],
  },
];

/** Miners of Stratum V1 that take their time, at the proxy. */
export const slowV1Cases: readonly HostileCase[] = [
  {
    name: 'v1-half-open',
    attacks: [{ name: 'halfOpen', connections: 200 }],
    counts: [['connections_accepted_total', '', 200]],
    countsAtLength: [['connections_closed_total', 'reason="setup-timeout"', 200]],
  },
  {
    name: 'v1-byte-a-second',
    attacks: [{ name: 'v1ByteASecond', connections: 100 }],
    counts: [['connections_accepted_total', '', 100]],
    countsAtLength: [['connections_closed_total', 'reason="setup-timeout"', 100]],
  },
  {
    name: 'v1-slow-readers',
    attacks: [{ name: 'v1SlowReaders', connections: 4 }],
    counts: [['connections_closed_total', 'reason="slow-reader"', 1]],
  },
];

export const floodV1Cases: readonly HostileCase[] = [
  {
    name: 'v1-invalid-shares',
    attacks: [{ name: 'v1InvalidShares', connections: 4 }],
    counts: [
      ['error_answers_total', 'number="21"', 1_000],
      ['held_back_total', 'limit="connection"', 4],
    ],
  },
  {
    name: 'v1-long-lines',
    attacks: [{ name: 'v1LongLines', connections: 4 }],
    counts: [['connections_closed_total', 'reason="line-too-long"', 8]],
  },
  {
    name: 'v1-no-lines',
    attacks: [{ name: 'v1NoLines', connections: 4 }],
    counts: [['connections_closed_total', 'reason="malformed-lines"', 8]],
  },
  {
    name: 'v1-tcp-probes',
    attacks: [{ name: 'tcpProbes', connections: 16 }],
    counts: [['connections_accepted_total', '', 100]],
    // Most are reset before the proxy has looked at them, and it is chance whether enough others come for the rate of an address.
    countsAtLength: [['connections_closed_total', 'reason="left-at-once"', 100]],
  },
];

/** All of them at the same time, each with what it is counted by. */
export function together(name: string, cases: readonly HostileCase[]): HostileCase {
  const counts = new Map<string, Counted>();
  for (const [metric, label, atLeast] of cases.flatMap((one) => [...one.counts, ...(one.countsInShort ?? [])])) {
    const [, , before] = counts.get(metric + label) ?? [metric, label, 0];
    counts.set(metric + label, [metric, label, before + atLeast]);
  }
  const attacks = cases.flatMap((one) => one.attacks);
  const keepsOthersOut = cases.some((one) => one.keepsOthersOut);
  return { name, attacks, counts: [...counts.values()], keepsOthersOut };
}
