// Who may open a channel, and within which bounds its difficulty moves. Pure: a request and a policy in, a reply out.
import type { Network } from '@sluice/bitcoin/network';
import { targetForHashrate } from '@sluice/bitcoin/target';
import {
  type ChannelUpdate,
  type ChannelUpdateReply,
  type OpenReply,
  PAYS_POOL,
  type WantedChannel,
} from '@sluice/bus/payloads/channel';
import { clampTarget } from '@sluice/mining/share-target';
import type { ErrorCode } from '@sluice/sv2/error-codes';
import { parseIdentity } from './identity.ts';

export interface Policy {
  /** Wanted of each channel. */
  readonly sharesPerMinute: number;
  /** The hardest and the easiest target that a channel can get. */
  readonly hardestTarget: bigint;
  readonly easiestTarget: bigint;
  /** Hashes per second that are taken for a miner who claims none. */
  readonly unknownHashrate: number;
  /** A claim counts up to here: it only chooses the first target, what is observed then rules. */
  readonly trustedHashrate: number;
  /** Network of the addresses by which a miner may have its blocks paid to itself; absent: all blocks pay the pool. */
  readonly payoutNetwork?: Network;
  /** Accounts that exist; `undefined`: every account does. */
  readonly accounts: ReadonlySet<string> | undefined;
}

const refused = (errorCode: ErrorCode<'OpenMiningChannel.Error'>): OpenReply => ({ kind: 'refused', errorCode });

export function decideOpen(policy: Policy, wanted: WantedChannel): OpenReply {
  const identity = parseIdentity(wanted.identity, policy.payoutNetwork);
  if (identity === undefined) return refused('invalid-user-identity');
  if (policy.accounts !== undefined && !policy.accounts.has(identity.account)) return refused('unknown-user');
  if (!isHashrate(wanted.nominalHashrate)) return refused('invalid-nominal-hashrate');
  if (wanted.maxTarget < policy.hardestTarget) return refused('max-target-out-of-range');
  const maxTarget = easiestOf(policy, wanted.maxTarget);
  return {
    kind: 'opened',
    identity: identity.account,
    worker: identity.worker,
    firstTarget: clampTarget(firstTarget(policy, wanted.nominalHashrate), policy.hardestTarget, maxTarget),
    minTarget: policy.hardestTarget,
    maxTarget,
    sharesPerMinute: policy.sharesPerMinute,
    poolPercent: identity.payout?.poolPercent ?? PAYS_POOL,
    payoutScript: identity.payout?.script ?? new Uint8Array(),
  };
}

export function decideUpdate(policy: Policy, update: ChannelUpdate): ChannelUpdateReply {
  const { hardestTarget: minTarget, sharesPerMinute } = policy;
  const reply = (errorCode: ErrorCode<'UpdateChannel.Error'> | '', maxTarget: bigint): ChannelUpdateReply => ({
    errorCode,
    minTarget,
    maxTarget,
    sharesPerMinute,
  });
  if (!isHashrate(update.nominalHashrate)) return reply('invalid-nominal-hashrate', policy.easiestTarget);
  if (update.maxTarget < policy.hardestTarget) return reply('max-target-out-of-range', policy.easiestTarget);
  return reply('', easiestOf(policy, update.maxTarget));
}

function easiestOf(policy: Policy, maxTarget: bigint): bigint {
  return maxTarget < policy.easiestTarget ? maxTarget : policy.easiestTarget;
}

function firstTarget(policy: Policy, nominalHashrate: number): bigint {
  const claimed = nominalHashrate > 0 ? nominalHashrate : policy.unknownHashrate;
  return targetForHashrate(Math.min(claimed, policy.trustedHashrate), policy.sharesPerMinute);
}

/** Minus zero is negative to the reference implementation, and a wrong claim to us. */
function isHashrate(value: number): boolean {
  return Number.isFinite(value) && value >= 0 && !Object.is(value, -0);
}
