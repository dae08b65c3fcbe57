// Decides what the feed lacks: one record at a time, from what the providers say and what miners already hold. Pure; asked again
// after every record and every piece of news, until there is nothing to do.
import { type ChainTip, isBetterTip } from '@sluice/bitcoin/chain-tip';
import { mayChangeBits, type Network, networkParameters } from '@sluice/bitcoin/network';
import type { Activate, NewJob } from '@sluice/bus/payloads/job-record';
import type { Template } from '@sluice/bus/payloads/template';
import { buildJobCoinbase, emptyTemplate, type PoolCoinbase, withJobId } from '@sluice/mining/build-job';
import { nextJobId } from '@sluice/mining/job-id';
import { type BestTip, type ChainView, sameHash } from './chain-view.ts';
import type { FeedState } from './feed-state.ts';

/** A newer template is never given sooner than this after the last one, whatever it pays. */
const MIN_REFRESH_MS = 5_000;
/** Miners are given a job at least this often, be it the same again: some leave after two minutes without one. */
const REPEAT_MS = 60_000;
/** Header version of a job that no template has told one for: BIP9's marker, no deployment signalled. */
const DEFAULT_VERSION = 0x2000_0000;

export interface JobPolicy extends PoolCoinbase {
  readonly network: Network;
  /** At most a minute: what is given then anyway is the newest. */
  readonly refreshMs: number;
  /** Per cent. */
  readonly feeRise: number;
}

/** The rest is put in by the writer. */
type Without<T> = Omit<T, 'epoch' | 'feed' | 'replayFrom'>;
export type Draft = Without<NewJob> | Without<Activate>;

/** Why a record is written: for logs and metrics. */
export type Reason = 'tip' | 'tip-template' | 'template' | 'refresh' | 'repeat' | 'future';

export interface NextRecord {
  readonly draft: Draft;
  readonly reason: Reason;
  /** Of the template that the draft was made of. */
  readonly value?: bigint;
}

export interface Now {
  /** Unix milliseconds: what records are stamped with. */
  readonly ms: number;
  /** For durations. */
  readonly monotonicMs: number;
  /** Unix seconds that a header may be asked to have, see `NodeClocks`. */
  readonly headerSeconds: number;
}

/** What a leader knows beyond the feed. */
export interface Given {
  /** Of the active job's template; unknown after a change of leader and where the job has none. */
  readonly value: bigint | undefined;
  /** When miners were last given a job on the tip, by the monotonic clock. */
  readonly atMs: number;
}

/** What a leader knows after `record` was written. */
export function givenAfter(given: Given, { draft, reason, value }: NextRecord, monotonicMs: number): Given {
  if (reason === 'future') return given;
  if (draft.kind === 'activate') return { value: reason === 'tip' ? undefined : given.value, atMs: monotonicMs };
  return { value: value ?? given.value, atMs: monotonicMs };
}

/** Undefined: nothing to do now. */
export function nextRecord(
  view: ChainView,
  state: FeedState,
  given: Given,
  policy: JobPolicy,
  now: Now,
): NextRecord | undefined {
  const { tip } = state;
  const ofNews = toNews(view, state, given, policy, now);
  if (ofNews !== undefined || tip === undefined) return ofNews;
  // Also with providers away: miners keep a job for the next height, and a reason to stay.
  return nextFuture(view, state, tip, policy, now) ?? repeat(state, tip, given, policy, now);
}

/** What the providers' news asks for. */
function toNews(view: ChainView, state: FeedState, given: Given, policy: JobPolicy, now: Now): NextRecord | undefined {
  const best = view.best;
  if (best === undefined) return undefined;
  if (state.tip === undefined || isBetterTip(best, tipOf(state.tip))) return toTip(best, view, state, policy, now);
  // The feed is ahead of what the providers have told so far, or they disagree about equals: miners stay where they are.
  if (!sameHash(state.tip.prevHash, best.hash)) return undefined;
  return (
    newBits(best, view, state, policy, now) ??
    firstTemplate(view, state, policy, now) ??
    refresh(view, state, given, policy, now)
  );
}

/** A new tip: on the prepared job if it is exactly for this one, else on the node's template, else not yet. */
function toTip(best: BestTip, view: ChainView, state: FeedState, policy: JobPolicy, now: Now): NextRecord | undefined {
  const { future, tip } = state;
  // The block after the one that miners work on, and nothing about it that only the node could tell.
  if (tip !== undefined && follows(best, tip) && best.nextNbits !== 0) {
    if (future !== undefined && isPrepared(future, tip)) {
      const minNtime = Math.max(best.minNtime, now.headerSeconds);
      return { draft: activation(future, best, best.nextNbits, minNtime), reason: 'tip' };
    }
    // The news came before the job was prepared: as long as there is no template it is still the quickest.
    if (view.bestTemplate() === undefined) return nextFuture(view, state, tip, policy, now);
  }
  return onTemplate(best, view, state, policy, now);
}

/** An activation carries the height of its job: one more than that of the tip. */
const tipOf = ({ chainwork, height }: Activate): ChainTip => ({ chainwork, height: height - 1 });

/** Without a header the height is enough: who told of the tip told target and time of the block on it by itself. */
const follows = (best: BestTip, tip: Activate): boolean =>
  (best.parent === undefined || sameHash(best.parent, tip.prevHash)) && best.height === tip.height;

/** Whether `future` is the coinbase-only job for the block after the one being mined on `tip`. */
const isPrepared = (future: NewJob, tip: Activate): boolean =>
  future.templateId === 0n && future.height === tip.height + 1 && sameHash(future.prevHash, tip.prevHash);

/** Gives the best template as a future job of the tip itself, and in the next round activates it. */
function onTemplate(
  best: BestTip,
  view: ChainView,
  state: FeedState,
  policy: JobPolicy,
  now: Now,
): NextRecord | undefined {
  const template = view.bestTemplate();
  if (template === undefined) return undefined;
  const { future } = state;
  const given = future !== undefined && future.templateId !== 0n && sameHash(future.prevHash, best.hash);
  if (given && future.nbits === template.nbits) {
    const minNtime = Math.max(best.minNtime, future.minNtime);
    return { draft: activation(future, best, future.nbits, minNtime), reason: 'tip-template' };
  }
  return { ...templateJob(template, true, state, policy, now), reason: 'tip-template' };
}

function activation(future: NewJob, best: BestTip, nbits: number, minNtime: number): Draft {
  const { hash: prevHash, chainwork, seenAtMicros } = best;
  return {
    kind: 'activate',
    jobId: future.jobId,
    prevHash,
    nbits,
    minNtime,
    height: future.height,
    chainwork,
    seenAtMicros,
  };
}

/** A test network's target may fall while the tip stays: only an activation can tell miners. */
function newBits(
  best: BestTip,
  view: ChainView,
  state: FeedState,
  policy: JobPolicy,
  now: Now,
): NextRecord | undefined {
  const template = view.bestTemplate();
  if (template === undefined || template.nbits === state.tip?.nbits) return undefined;
  return onTemplate(best, view, state, policy, now);
}

/** The full job, as soon as there is one, in the place of the prepared one. */
function firstTemplate(view: ChainView, state: FeedState, policy: JobPolicy, now: Now): NextRecord | undefined {
  if (state.active !== undefined && state.active.templateId !== 0n) return undefined;
  const template = view.bestTemplate();
  return template && { ...templateJob(template, false, state, policy, now), reason: 'template' };
}

/** The job for the next height, on every device before the block is found. */
function nextFuture(
  view: ChainView,
  state: FeedState,
  tip: Activate,
  policy: JobPolicy,
  now: Now,
): NextRecord | undefined {
  if (state.future !== undefined && isPrepared(state.future, tip)) return undefined;
  const height = tip.height + 1;
  const jobId = nextJobId(state.lastJobId);
  const draft: Draft = {
    kind: 'newJob',
    jobId,
    provider: '',
    templateId: 0n,
    future: true,
    height,
    version: view.bestTemplate()?.version ?? state.active?.version ?? DEFAULT_VERSION,
    prevHash: tip.prevHash,
    nbits: mayChangeBits(height, policy.network) ? 0 : tip.nbits,
    minNtime: tip.minNtime,
    merklePath: [],
    ...buildJobCoinbase(emptyTemplate(height, policy.network), jobId, policy),
    createdAtMicros: micros(now),
  };
  return { draft, reason: 'future' };
}

/** A newer template of the same tip, when enough time has passed or it pays materially more. */
function refresh(view: ChainView, state: FeedState, given: Given, policy: JobPolicy, now: Now): NextRecord | undefined {
  const { active } = state;
  const template = view.bestTemplate();
  if (template === undefined || active === undefined) return undefined;
  if (active.provider === template.provider && active.templateId >= template.templateId) return undefined;
  const age = now.monotonicMs - given.atMs;
  const pays = given.value !== undefined && template.coinbaseValue * 100n >= given.value * BigInt(100 + policy.feeRise);
  if (age < (pays ? Math.min(MIN_REFRESH_MS, policy.refreshMs) : policy.refreshMs)) return undefined;
  return { ...templateJob(template, false, state, policy, now), reason: 'refresh' };
}

/** The same work under a fresh id, when nothing else has given miners a job for a while. */
function repeat(state: FeedState, tip: Activate, given: Given, policy: JobPolicy, now: Now): NextRecord | undefined {
  const { active } = state;
  if (active === undefined || now.monotonicMs - given.atMs < REPEAT_MS) return undefined;
  const jobId = nextJobId(state.lastJobId);
  const coinbasePrefix = withJobId(active.coinbasePrefix, active.jobId, jobId);
  if (coinbasePrefix === undefined) return undefined;
  const { prevHash, nbits } = tip;
  const minNtime = bitsDependOnTime(policy) ? tip.minNtime : Math.max(tip.minNtime, now.headerSeconds);
  const changes = { jobId, coinbasePrefix, prevHash, nbits, minNtime, future: false, createdAtMicros: micros(now) };
  return { draft: { ...active, ...changes }, reason: 'repeat' };
}

function templateJob(
  template: Template,
  future: boolean,
  state: FeedState,
  policy: JobPolicy,
  now: Now,
): { draft: Draft; value: bigint } {
  const { provider, templateId, height, version, prevHash, nbits, merklePath } = template;
  const jobId = nextJobId(state.lastJobId);
  const draft: Draft = {
    kind: 'newJob',
    jobId,
    provider,
    templateId,
    future,
    height,
    version,
    prevHash,
    nbits,
    minNtime: Math.max(template.minNtime, bitsDependOnTime(policy) ? template.curtime : now.headerSeconds),
    merklePath,
    ...buildJobCoinbase(template, jobId, policy),
    createdAtMicros: micros(now),
  };
  return { draft, value: template.coinbaseValue };
}

/** A header's bits must be those of its time: a template's are right for the node's time, and ours may be past the twenty minutes. */
const bitsDependOnTime = ({ network }: JobPolicy): boolean => networkParameters[network].minimumDifficultyBlocks;

const micros = (now: Now): bigint => BigInt(Math.round(now.ms * 1000));
