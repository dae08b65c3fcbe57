// SRI's translator on pools that do as a test says, which may be what no pool should do, and on ours when it falls back from them. Tests
// carry the names of SRI's own scenarios; each has a translator to itself, and they wait side by side.
import { encodeFrame } from '@sluice/sv2/frames';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionError } from '@sluice/sv2/messages/common/setup-connection-error';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { OpenMiningChannelError } from '@sluice/sv2/messages/mining/open-mining-channel-error';
import { SetGroupChannel } from '@sluice/sv2/messages/mining/set-group-channel';
import { SetTarget } from '@sluice/sv2/messages/mining/set-target';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LocalPool } from '../support/local-pool.ts';
import { buildSriProgram, whyNoSriProgram } from '../support/sri-programs.ts';
import { SriTranslator, type TranslatorUpstream } from '../support/sri-translator.ts';
import { Sv1Miner } from '../support/sv1-miner.ts';
import { type Interceptor, Sv2Relay } from '../support/sv2-relay.ts';
import { Sv2Upstream } from '../support/sv2-upstream.ts';
import { waitFor } from '../support/wait-for.ts';

/** A block takes 2^32 hashes: none is found here. */
const HARD_NBITS = 0x1d00_ffff;
const HASHRATE = 10_000;
const MINER_EXTRANONCE_SIZE = 4;
const GROUP_A = 100;
const GROUP_B = 200;
const TIP_A = new Uint8Array(32).fill(0xa1);
const TIP_B = new Uint8Array(32).fill(0xa2);

/** 9 minutes of CPU time, on a machine that does other things as well. */
const MAX_BUILD_MS = 3_600_000;

const missing = whyNoSriProgram('translator_sv2');
const inCi = process.env.CI !== undefined;

describe
  .skipIf(missing !== undefined && !inCi)
  .concurrent(`SRI's translator on scripted pools${missing ? `: ${missing}` : ''}`, () => {
    let program = '';
    let pool: LocalPool;
    const started: { stop(): void | Promise<void> }[] = [];

    beforeAll(async () => {
      program = await buildSriProgram('translator_sv2');
      pool = await LocalPool.start({ nbits: HARD_NBITS });
    }, MAX_BUILD_MS);
    afterAll(async () => {
      await Promise.all(started.map((one) => one.stop()));
      await pool.stop();
    });

    function keep<T extends { stop(): void | Promise<void> }>(one: T): T {
      started.push(one);
      return one;
    }

    async function translate(aggregate: boolean, ...upstreams: TranslatorUpstream[]): Promise<SriTranslator> {
      // A share takes 400 hashes.
      const pace = { minerHashrate: 40, sharesPerMinute: 6 };
      return keep(await SriTranslator.start({ program, upstreams, aggregate, ...pace }));
    }

    const relay = async (name: string, intercept?: Interceptor) => keep(await Sv2Relay.start(name, pool, intercept));
    const scripted = async (name: string, setupError?: string) => keep(await Sv2Upstream.start(name, setupError));
    const mine = ({ port }: SriTranslator, user: string) => keep(new Sv1Miner({ port, user, hashrate: HASHRATE }));
    const upstream = ({ address, authorityKey }: TranslatorUpstream, identity: string) => ({
      ...{ address, authorityKey, identity },
    });

    async function credited(name: string): Promise<void> {
      await waitFor(async () => ((await pool.credits()).get(name)?.shares ?? 0) > 0);
    }

    test('test_translator_fallback_on_setup_connection_error', async () => {
      const refused = encodeFrame(SetupConnectionError, { flags: 0, errorCode: 'Something went wrong' });
      const first = await relay('first', ({ declared }) => (declared === SetupConnectionSuccess ? refused : undefined));
      const second = await relay('second');
      const translator = await translate(false, upstream(first, 'first-a'), upstream(second, 'second-a'));
      await translator.ready();
      mine(translator, 'rig');
      await credited('second-a.miner1');
      // It tries each pool three times.
      expect(first.log.of(SetupConnection)).toHaveLength(3);
      expect(first.log.of(OpenExtendedMiningChannel)).toEqual([]);
    });

    test('test_translator_fallback_on_open_mining_message_error', async () => {
      const first = await relay('first', ({ declared, value }) => {
        if (declared !== OpenExtendedMiningChannelSuccess) return undefined;
        const { requestId } = value as OpenExtendedMiningChannelSuccess;
        return encodeFrame(OpenMiningChannelError, { requestId, errorCode: 'Something went wrong' });
      });
      const second = await relay('second');
      const translator = await translate(false, upstream(first, 'first-b'), upstream(second, 'second-b'));
      await translator.ready();
      const before = mine(translator, 'rig');
      await first.log.first(OpenExtendedMiningChannel);
      await translator.ready(2);
      await waitFor(() => !before.isOpen);
      mine(translator, 'rig');
      await credited('second-b.miner1');
      expect(first.log.of(SubmitSharesExtended)).toEqual([]);
    });

    test('test_translator_fallback_during_abrupt_disconnection', async () => {
      const first = await scripted('first');
      const second = await relay('second');
      const translator = await translate(false, upstream(first, 'first-c'), upstream(second, 'second-c'));
      await translator.ready();
      first.disconnect();
      await translator.ready(2);
      mine(translator, 'rig');
      await credited('second-c.miner1');
    });

    test('aggregated_translator_triggers_fallback_on_close_channel_message', async () => {
      const first = await scripted('first');
      const second = await relay('second');
      const translator = await translate(true, upstream(first, 'first-d'), upstream(second, 'second-d'));
      await translator.ready();
      const before = mine(translator, 'rig');
      await open(first, 2, GROUP_A);
      await first.log.first(SubmitSharesExtended);
      first.send(CloseChannel, { channelId: 2, reasonCode: '' });
      await translator.ready(2);
      await waitFor(() => !before.isOpen);
      mine(translator, 'rig');
      await credited('second-d.translator-proxy');
    });

    test('tproxy_sends_per_upstream_user_identity', async () => {
      const only = await relay('only');
      const translator = await translate(false, upstream(only, 'bc1qtest.worker'));
      await translator.ready();
      mine(translator, 'rig');
      await credited('bc1qtest.worker.miner1');
      expect(only.log.of(OpenExtendedMiningChannel).map(({ userIdentity }) => userIdentity)).toEqual([
        'bc1qtest.worker.miner1',
      ]);
    });

    test('tproxy_per_upstream_user_identity_switches_on_fallback', async () => {
      const first = await scripted('first', 'test-identity-fallback');
      const second = await relay('second');
      const translator = await translate(
        false,
        upstream(first, 'bc1qprimary.worker'),
        upstream(second, 'bc1qfallback.worker'),
      );
      await translator.ready();
      mine(translator, 'rig');
      await credited('bc1qfallback.worker.miner1');
      expect([...(await pool.credits()).keys()].filter((name) => name.startsWith('bc1qprimary'))).toEqual([]);
    });

    test('non_aggregated_translator_handles_set_group_channel_message', async () => {
      const only = await scripted('only');
      const translator = await translate(false, only);
      await translator.ready();
      const ids = [2, 3, 4, 5, 6, 7];
      for (const id of ids) {
        mine(translator, `rig-${id}`);
        await open(only, id, GROUP_A);
      }
      const moved = [3, 5, 7];
      only.send(SetGroupChannel, { groupChannelId: GROUP_B, channelIds: moved });
      only.futureJob(GROUP_B, 2);
      only.tip(GROUP_B, 2, TIP_B);
      const since = only.log.messages.length;
      await onEach(only, moved, 2, since);
      const stayed = ids.filter((id) => !moved.includes(id));
      await onEach(only, stayed, 1, since);
      const wrong = only.log.of(SubmitSharesExtended).filter((share) => stayed.includes(share.channelId));
      expect(wrong.filter(({ jobId }) => jobId === 2)).toEqual([]);
    });

    test('non_aggregated_translator_correctly_deals_with_close_channel_message', async () => {
      const only = await scripted('only');
      const translator = await translate(false, only);
      await translator.ready();
      const ids = [2, 3, 4];
      const miners: Sv1Miner[] = [];
      for (const id of ids) {
        miners.push(mine(translator, `rig-${id}`));
        await open(only, id, GROUP_A);
      }
      await onEach(only, ids, 1);
      only.send(CloseChannel, { channelId: 2, reasonCode: '' });
      await waitFor(() => miners[0]?.isOpen === false);
      const closed = only.log.messages.length;
      for (let shares = 0; shares < 5; shares++) await onEach(only, [3, 4], 1, only.log.messages.length);
      expect(only.log.of(SubmitSharesExtended, closed).filter(({ channelId }) => channelId === 2)).toEqual([]);
      only.send(CloseChannel, { channelId: GROUP_A, reasonCode: '' });
      await waitFor(() => miners.every(({ isOpen }) => !isOpen));
      expect(only.log.of(SetupConnection)).toHaveLength(1);
      expect(translator.count('Preparing fallback')).toBe(0);
    });

    test('translator_does_not_shutdown_on_missing_downstream_channel', async () => {
      const only = await scripted('only');
      const translator = await translate(false, only);
      await translator.ready();
      mine(translator, 'rig');
      await open(only, 2, GROUP_A);
      await only.log.first(SubmitSharesExtended);
      only.send(SetTarget, { channelId: 5, maximumTarget: new Uint8Array(32) });
      await translator.process.until(() => translator.count('SetTarget(channel_id=5') === 1);
      await only.log.first(SubmitSharesExtended, () => true, only.log.messages.length);
      mine(translator, 'rig-2');
      await open(only, 3, GROUP_A);
      await onEach(only, [2, 3], 1, only.log.messages.length);
    });

    test('aggregated_translator_handles_downstream_connecting_during_future_job', async () => {
      const only = await scripted('only');
      const translator = await translate(true, only);
      await translator.ready();
      const first = mine(translator, 'rig-1');
      await only.grant(2, GROUP_A);
      only.futureJob(2, 1);
      await translator.process.until(() => translator.count('NewExtendedMiningJob(channel_id: 2, job_id: 1') === 1);
      const second = mine(translator, 'rig-2');
      await Promise.all([first.ready, second.ready]);
      expect([first, second].flatMap(({ jobs }) => jobs)).toEqual([]);
      only.tip(2, 1, TIP_A);
      await waitFor(() => first.accepted > 0 && second.accepted > 0);
      expect([first, second].map(({ jobs }) => jobs.map(({ id }) => id))).toEqual([['1'], ['1']]);
      const places = () => new Set(only.log.of(SubmitSharesExtended).map(({ extranonce }) => place(extranonce)));
      await waitFor(() => places().size === 2);
    });
  });

/** Grants the channel that is asked for next, with a job and the tip that starts it. */
async function open(pool: Sv2Upstream, channelId: number, groupChannelId: number): Promise<void> {
  await pool.grant(channelId, groupChannelId);
  pool.futureJob(channelId, 1);
  pool.tip(channelId, 1, TIP_A);
}

/** Waits for a share of this job on each channel, from the message at index `since` on. */
async function onEach(pool: Sv2Upstream, ids: readonly number[], jobId: number, since = 0): Promise<void> {
  for (const id of ids) {
    await pool.log.first(SubmitSharesExtended, (share) => share.channelId === id && share.jobId === jobId, since);
  }
}

/** What the translator puts before the miner's own part, hex. */
function place(extranonce: Uint8Array): string {
  return Buffer.from(extranonce.subarray(0, -MINER_EXTRANONCE_SIZE)).toString('hex');
}
