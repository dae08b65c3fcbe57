// Everything the proxy counts of shares and upstreams, as plain numbers: counting costs an addition where it happens, and metrics.ts reads
// them at a scrape.
import { zeroCounts } from '@sluice/runtime/zero-counts';
import { type ErrorCode, errorCodes } from '@sluice/sv2/error-codes';
import { downReasons } from './upstream/errors.ts';

export const shareErrorCodes = Object.keys(errorCodes['SubmitShares.Error']) as ErrorCode<'SubmitShares.Error'>[];

export type ProxyCounters = ReturnType<typeof createCounters>;

export function createCounters() {
  return {
    /** Times that the process stood still for a moment, so that shares were read together. */
    readRests: 0,
    /** Found good here: kept, sent up, or without an upstream to send them to. */
    sharesGood: 0,
    /** Refused here, by code. */
    sharesRefused: zeroCounts(shareErrorCodes),
    /** Good, and below the upstream's target: not sent. */
    sharesKept: 0,
    /** Good, and refused because the upstream of their job was gone. */
    sharesUnserved: 0,
    /** Sent to an upstream. */
    sharesForwarded: 0,
    upstreamAccepted: 0,
    upstreamRefused: zeroCounts(shareErrorCodes),
    /** The connection ended before the upstream's answer. */
    upstreamUnanswered: 0,
    /** Hashes of blocks among the shares, whatever became of them. */
    blocks: 0,
    /** Blocks found on a node of the farm's own. */
    soloBlocks: 0,
    /** Those of them that the node told as its tip. */
    soloBlocksConfirmed: 0,

    jobs: 0,
    tips: 0,
    /** Targets told to miners. */
    targets: 0,

    /** Times that a miner went to another upstream. */
    minersMoved: 0,
    /** Channels of single miners that upstreams were asked for. */
    minerChannelsAsked: 0,
    /** Of these, refused, or closed by the upstream later. */
    minerChannelsRefused: 0,

    upstreamUps: 0,
    upstreamDowns: zeroCounts(downReasons),
    /** Times that the farm went to another upstream, or to one again. */
    switches: 0,
  };
}
