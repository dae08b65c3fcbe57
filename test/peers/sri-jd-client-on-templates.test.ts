// SRI's job declaration client, unchanged, on the templates of our template provider: it mines solo with our miners, whose blocks go through
// both to a real bitcoind, and declares what the provider gives it. Tests that repeat a scenario of SRI's own integration suite have its name.
import { miningClientFlags, protocols } from '@sluice/sv2/flags';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionError } from '@sluice/sv2/messages/common/setup-connection-error';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { OpenMiningChannelError } from '@sluice/sv2/messages/mining/open-mining-channel-error';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { OpenStandardMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-standard-mining-channel-success';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { SetTarget } from '@sluice/sv2/messages/mining/set-target';
import { UpdateChannel } from '@sluice/sv2/messages/mining/update-channel';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Received } from '../../packages/server/test/support/test-peer.ts';
import { setupConnection, type TestMiner } from '../../services/connection-gateway/test/support/test-miner.ts';
import { Bitcoind } from '../support/bitcoind.ts';
import { DeclarationStandIn } from '../support/declaration-stand-in.ts';
import { inCi } from '../support/in-ci.ts';
import { fundWallet, sendPayments } from '../support/mempool.ts';
import { connectMiner } from '../support/message-miner.ts';
import { SriJdClient } from '../support/sri-jd-client.ts';
import { buildSriProgram, whyNoSriProgram } from '../support/sri-programs.ts';
import type { Sv2Channel } from '../support/sv2-channel.ts';
import { Sv2Client } from '../support/sv2-client.ts';
import { TemplateServer } from '../support/template-server.ts';
import { waitFor } from '../support/wait-for.ts';

const MAX_BUILD_MS = 3_600_000;
/** In each group, as in SRI's own tests. */
const CHANNELS = 10;
const GROUP_CHANNEL_ID = 1;
const FAIL_OVER_MS = 2_000;

const missing = whyNoSriProgram('jd_client_sv2');
if (missing !== undefined) {
  if (inCi) throw new Error(missing);
  console.log(`skipped: ${missing}`);
}

describe.skipIf(missing !== undefined)("SRI's job declaration client on our templates", () => {
  let program: string;
  let nodes: readonly [Bitcoind, Bitcoind];
  let payTo: string;
  let server: TemplateServer;
  let jdClient: SriJdClient;
  let clients: readonly Sv2Client[];
  let standard: Sv2Channel;
  let extended: Sv2Channel;
  const miners: TestMiner[] = [];

  beforeAll(async () => {
    program = await buildSriProgram('jd_client_sv2');
    const preferred = await Bitcoind.start();
    nodes = [preferred, await Bitcoind.start({ peers: [preferred] })];
    await fundWallet(preferred);
    payTo = await preferred.rpc('getnewaddress', []);
    server = await TemplateServer.start({ nodes });
    jdClient = await SriJdClient.start({ program, templateServer: server, payout: `addr(${payTo})` });
    const options = { port: jdClient.port, authorityKey: jdClient.authorityKey };
    clients = [await Sv2Client.connect({ ...options, standardJobsOnly: true }), await Sv2Client.connect(options)];
    standard = await (clients[0] as Sv2Client).openStandard({ identity: 'device', hashRate: 1_000 });
    extended = await (clients[1] as Sv2Client).openExtended({ identity: 'proxy', hashRate: 1_000 });
    await waitFor(() => standard.job !== undefined && extended.job !== undefined);
  }, MAX_BUILD_MS);

  afterEach(() => {
    for (const miner of miners.splice(0)) miner.socket.destroy();
  });
  afterAll(async () => {
    await Promise.all((clients ?? []).map((client) => client.close()));
    await jdClient?.stop();
    await server?.stop();
    await Promise.all((nodes ?? []).map((node) => node.stop()));
  });

  async function connect(): Promise<TestMiner> {
    const miner = await connectMiner(jdClient.port, jdClient.authorityKey);
    miners.push(miner);
    return miner;
  }

  async function onTip(node: Bitcoind): Promise<boolean> {
    const best = Buffer.from(await node.rpc('getbestblockhash'), 'hex').reverse();
    return [standard, extended].every(
      ({ tip, job }) => job !== undefined && best.equals(tip?.prevHash ?? new Uint8Array()),
    );
  }

  /** Submits a block of the channel; resolves with its hash when the node has it. */
  async function mine(channel: Sv2Channel, node: Bitcoind): Promise<string> {
    const before = await node.rpc('getblockcount');
    const share = channel.find('block', 10_000);
    if (share === undefined) throw new Error('no block in 10,000 hashes, where every second is one');
    clients.find(({ channels }) => channels.includes(channel))?.submit(channel, share);
    await waitFor(async () => (await node.rpc('getblockcount')) > before).catch((error: unknown) => {
      throw new Error(`${error}\n${jdClient.process.tail()}\n${server.process.log()}`);
    });
    return Buffer.from(share.hash).reverse().toString('hex');
  }

  test('jdc_tp_success_setup', async () => {
    expect(jdClient.logged('Handshake with upstream completed successfully')).toBe(1);
    expect(jdClient.logged('Starting in solo mining mode')).toBe(1);
    expect(await server.process.metric('sluice_template_distribution_connections')).toBe(1);
    expect(await server.process.metric('sluice_template_distribution_new_templates_total')).toBeGreaterThan(0);
  });

  test.each([
    ['jdc_solo_mining_with_bitcoin_core_ipc: a standard channel', 0],
    ['propagated_from_jdc_to_tp: an extended channel', 1],
  ])('%s finds a block with real transactions, which bitcoind accepts', async (_name, index) => {
    const [node] = nodes;
    const channel = [standard, extended][index] as Sv2Channel;
    await waitFor(() => onTip(node));
    const jobs = extended.jobs.size;
    await sendPayments(node, 3);
    await waitFor(() => extended.jobs.size > jobs && (extended.job?.depth ?? 0) >= 2);
    const hash = await mine(channel, node);
    expect(await node.rpc('getbestblockhash')).toBe(hash);
    const { tx } = await node.rpc('getblock', [hash, 2]);
    expect(tx.length).toBeGreaterThan(3);
    expect(tx[0]?.vout[0]?.scriptPubKey.address).toBe(payTo);
  });

  test('jdc_reject_downstream_setup_connection_with_unsupported_version', async () => {
    const miner = await connect();
    miner.send(SetupConnection, setupConnection(0, { minVersion: 3, maxVersion: 3 }));
    expect(await miner.expect(SetupConnectionError)).toMatchObject({ errorCode: 'protocol-version-mismatch' });
  });

  test('jdc_require_standard_jobs_set_rejects_open_extended_mining_channel', async () => {
    const miner = await connect();
    await miner.setup(miningClientFlags.REQUIRES_STANDARD_JOBS);
    miner.send(OpenExtendedMiningChannel, { ...miner.openMessage({}), minExtranonceSize: 8 });
    expect(await miner.expect(OpenMiningChannelError)).toMatchObject({
      requestId: 1,
      errorCode: 'extended-channels-not-supported-for-standard-jobs',
    });
  });

  describe('groups, over a change of the mempool and a tip of somebody else', () => {
    interface Told {
      readonly ids: readonly number[];
      /** Up to the answer to a request that was sent after both. */
      readonly messages: readonly Received[];
    }
    let inGroup: Record<'extended' | 'standard', Told>;
    let ungrouped: Told;

    beforeAll(async () => {
      const [node] = nodes;
      const opened = [await open('extended'), await open('standard'), await open('standard', true)] as const;
      await sendPayments(node, 1);
      const ofMempool = await Promise.all(opened.map(({ miner }) => until(miner, isOfMempool)));
      const [hash = ''] = await node.generate(1, 2);
      const ofTip = await Promise.all(opened.map(({ miner }) => until(miner, isTip(hash))));
      const [grouped, standards, alone] = await Promise.all(
        opened.map(async ({ miner, ids }, at) => {
          const [channelId = 0] = ids;
          miner.send(UpdateChannel, {
            channelId,
            nominalHashRate: 1_000,
            maximumTarget: new Uint8Array(32).fill(0xff),
          });
          const rest = await until(miner, isFor(SetTarget));
          return { ids, messages: [...(ofMempool[at] ?? []), ...(ofTip[at] ?? []), ...rest] };
        }),
      );
      inGroup = { extended: grouped as Told, standard: standards as Told };
      ungrouped = alone as Told;
    });

    const isFor =
      (...declared: readonly { readonly name: string }[]) =>
      (message: Received) =>
        declared.some(({ name }) => name === message.name);
    /** As far as it can be told: a standard job does not show what it is made of. */
    const isOfMempool = (message: Received) =>
      isFor(NewMiningJob)(message) ||
      (isFor(NewExtendedMiningJob)(message) && (message.value.merklePath as unknown[]).length > 0);
    const isTip = (hash: string) => (message: Received) =>
      isFor(SetNewPrevHash)(message) &&
      Buffer.from(message.value.prevHash as Uint8Array)
        .reverse()
        .toString('hex') === hash;
    const channelsOf = (messages: readonly Received[]) => messages.map(({ value }) => value.channelId as number);

    async function until(miner: TestMiner, isLast: (message: Received) => boolean): Promise<readonly Received[]> {
      for (const messages: Received[] = []; ; ) {
        const message = await miner.next();
        messages.push(message);
        if (isLast(message)) return messages;
      }
    }

    /** Ten channels, each with its first job and tip; what the others are told meanwhile is passed over. */
    async function open(kind: 'standard' | 'extended', standardJobsOnly = false) {
      const miner = await connect();
      await miner.setup(standardJobsOnly ? miningClientFlags.REQUIRES_STANDARD_JOBS : 0);
      const ids: number[] = [];
      while (ids.length < CHANNELS) {
        const request = miner.openMessage({ nominalHashRate: 1_000 });
        if (kind === 'standard') miner.send(OpenStandardMiningChannel, request);
        else miner.send(OpenExtendedMiningChannel, { ...request, minExtranonceSize: 4 });
        const answer = await until(miner, isFor(OpenStandardMiningChannelSuccess, OpenExtendedMiningChannelSuccess));
        const { channelId, groupChannelId } = answer.at(-1)?.value ?? {};
        expect(groupChannelId).toBe(GROUP_CHANNEL_ID);
        const isOwn = ({ value }: Received) => value.channelId === channelId;
        const first = await until(miner, (message) => isOwn(message) && isFor(SetNewPrevHash)(message));
        const job = kind === 'standard' ? NewMiningJob : NewExtendedMiningJob;
        expect(first.filter(isOwn).map(({ name }) => name)).toEqual([job.name, SetNewPrevHash.name]);
        ids.push(channelId as number);
      }
      return { miner, ids };
    }

    test.each([
      ['jdc_group_extended_channels', 'extended'],
      ['jdc_group_standard_channels', 'standard'],
    ] as const)('%s: jobs and one tip for the group', (_name, kind) => {
      const { messages } = inGroup[kind];
      const jobs = messages.filter(isFor(NewExtendedMiningJob));
      // Of the mempool, and of the tip.
      expect(jobs.length).toBeGreaterThanOrEqual(2);
      expect(new Set(channelsOf(jobs))).toEqual(new Set([GROUP_CHANNEL_ID]));
      expect(new Set(jobs.map(({ value }) => value.jobId)).size).toBe(jobs.length);
      expect(messages.filter(isFor(NewMiningJob))).toEqual([]);
      expect(channelsOf(messages.filter(isFor(SetNewPrevHash)))).toEqual([GROUP_CHANNEL_ID]);
    });

    test('jdc_require_standard_jobs_set_does_not_group_standard_channels', () => {
      const { ids, messages } = ungrouped;
      const jobs = channelsOf(messages.filter(isFor(NewMiningJob)));
      const counts = ids.map((id) => jobs.filter((channelId) => channelId === id).length);
      expect(Math.min(...counts)).toBeGreaterThanOrEqual(2);
      expect(new Set(counts).size).toBe(1);
      expect(channelsOf(messages.filter(isFor(SetNewPrevHash))).toSorted((a, b) => a - b)).toEqual(ids);
      expect(messages.filter(isFor(NewExtendedMiningJob))).toEqual([]);
    });
  });

  describe('with a pool and a job declaration server above it', () => {
    let above: DeclarationStandIn;
    let declaring: SriJdClient;
    let miner: Sv2Client | undefined;

    beforeAll(async () => {
      above = await DeclarationStandIn.start();
      const options = { program, templateServer: server, payout: `addr(${payTo})` };
      declaring = await SriJdClient.start({ ...options, upstream: above });
    });
    afterAll(async () => {
      await miner?.close();
      await declaring?.stop();
      await above?.stop();
    });

    async function openChannel(): Promise<Sv2Channel> {
      miner = await Sv2Client.connect({ port: declaring.port, authorityKey: declaring.authorityKey });
      return await miner.openExtended({ identity: 'declaring', hashRate: 1_000 });
    }

    test('jdc_requests_tx_data_only_after_upstream_channel_opens: then it declares the transactions of the mempool', async () => {
      const [node] = nodes;
      await waitFor(() => above.tokens >= 2);
      expect(above.protocols.toSorted()).toEqual([protocols.mining, protocols.jobDeclaration]);
      expect(declaring.logged('Received: NewTemplate')).toBeGreaterThan(0);
      const served = () => server.process.metric('sluice_template_distribution_transaction_requests_total');
      expect(await served()).toBe(0);
      await openChannel();
      await sendPayments(node, 3);
      const mempool: Record<string, { readonly wtxid: string }> = await node.rpc('getrawmempool', [true]);
      const wtxids = Object.values(mempool).map(({ wtxid }) => wtxid);
      const declared = () =>
        above.declared.map(({ wtxidList }) => wtxidList.map((wtxid) => Buffer.from(wtxid).reverse().toString('hex')));
      await waitFor(() => declared().some((list) => list.length === wtxids.length));
      expect(
        declared()
          .find((list) => list.length === wtxids.length)
          ?.toSorted(),
      ).toEqual(wtxids.toSorted());
      await waitFor(async () => declaring.logged('Received: RequestTransactionDataSuccess') === (await served()));
    });

    test('jdc_fallback_to_solo_mines_block_with_template_provider, jdc_fallback_to_solo_mines_block_with_bitcoin_core_ipc', async () => {
      const [node] = nodes;
      await waitFor(() => above.tokens >= 2);
      const begun = declaring.logged('ready to accept connections');
      await above.stop();
      await declaring.process.until(() => declaring.logged('Starting in solo mining mode') === 1);
      await declaring.process.until(() => declaring.logged('ready to accept connections') > begun);
      const channel = await openChannel();
      await waitFor(() => channel.job !== undefined);
      const share = channel.find('block', 10_000);
      if (share === undefined) throw new Error('no block in 10,000 hashes');
      miner?.submit(channel, share);
      const hash = Buffer.from(share.hash).reverse().toString('hex');
      await waitFor(async () => (await node.rpc('getbestblockhash')) === hash);
      expect((await node.rpc('getblock', [hash, 2])).tx[0]?.vout[0]?.scriptPubKey.address).toBe(payTo);
    });
  });

  test('when its node dies the next template comes from the other one within two seconds, and the client stays', async () => {
    const [preferred, other] = nodes;
    await waitFor(async () => (await other.rpc('getbestblockhash')) === (await preferred.rpc('getbestblockhash')));
    await preferred.kill();
    await other.generate(1, 4);
    await waitFor(() => onTip(other), FAIL_OVER_MS);
    expect(clients.map(({ isOpen }) => isOpen)).toEqual([true, true]);
    const hash = await mine(extended, other);
    expect(await other.rpc('getbestblockhash')).toBe(hash);
    // Beside those of miners that leave.
    const errors = / ERROR jd_client_sv2::(channel_manager|template_receiver)/;
    expect(jdClient.process.lines.filter((line) => errors.test(line))).toEqual([]);
  });
});
