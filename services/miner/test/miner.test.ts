// The whole miner against a pool that checks every share by its header: real hashing on this thread.
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { sha256d } from '@sluice/bitcoin/hash';
import { writeHeader } from '@sluice/bitcoin/header';
import { foldMerklePath } from '@sluice/bitcoin/merkle';
import { nobleSha256d } from '@sluice/bitcoin/sha256d';
import { meetsTarget } from '@sluice/bitcoin/target';
import { systemClock } from '@sluice/runtime/clock';
import { createLogger, silentLogger } from '@sluice/runtime/logger';
import { Reconnect } from '@sluice/sv2/messages/common/reconnect';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import { OpenMiningChannelError } from '@sluice/sv2/messages/mining/open-mining-channel-error';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { SubmitSharesError } from '@sluice/sv2/messages/mining/submit-shares-error';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesStandard } from '@sluice/sv2/messages/mining/submit-shares-standard';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import { afterEach, describe, expect, it } from 'vitest';
import { authorityKey, modules } from '../../../packages/client/test/support/fake-server.ts';
import { InlineEngine } from '../src/hashing/inline-engine.ts';
import { createMiner, type Miner, type MinerOptions } from '../src/miner.ts';
import { EASY_TARGET, FakePool, filled, newTip, standardJob, startWork } from './fake-pool.ts';

const miners: Miner[] = [];
afterEach(() => Promise.all(miners.splice(0).map((miner) => miner.stop())));

/** A miner whose n-th connection reaches the n-th pool; where there is none, the connection fails. */
function mine(pools: readonly FakePool[], options: Partial<MinerOptions> = {}, log = silentLogger()) {
  const asked: string[] = [];
  const miner = createMiner(
    { pool: { host: 'first', port: 1, authorityKey }, identity: 'a.b', kind: 'standard', channels: 1, ...options },
    {
      ...{ ...modules, clock: systemClock, log, sha256d: nobleSha256d },
      engines: [new InlineEngine(nobleSha256d)],
      connect: async (host, port) => {
        const pool = pools[asked.push(`${host}:${port}`) - 1];
        if (pool === undefined) throw new Error('nobody there');
        return pool.stream;
      },
    },
  );
  miners.push(miner);
  return { miner, asked };
}

const accept = (pool: FakePool) => (share: { channelId: number; sequenceNumber: number }) =>
  pool.send(SubmitSharesSuccess, {
    ...{ channelId: share.channelId, lastSequenceNumber: share.sequenceNumber },
    ...{ newSubmitsAcceptedCount: 1, newSharesSum: 1n },
  });

function recorder(lines: { level: string; msg: string }[]) {
  const destination = new Writable({
    decodeStrings: false,
    write: (line: string, _encoding, done) => {
      lines.push(JSON.parse(line));
      done();
    },
  });
  return createLogger({ name: 'miner', level: 'debug', format: 'json', destination });
}

const until = async (condition: () => boolean) => {
  for (const end = Date.now() + 15_000; !condition(); await new Promise((resolve) => setTimeout(resolve, 5))) {
    if (Date.now() > end) throw new Error('waited in vain');
  }
};

function hashOf(share: SubmitSharesStandard, merkleRoot: Uint8Array, prevHash = filled(0x77)): Uint8Array {
  const header = new Uint8Array(80);
  writeHeader(header, share.version, prevHash, merkleRoot, share.ntime, 0x1d00ffff, share.nonce);
  return sha256d(header);
}

const coinbaseRoot = (...extranonce: Uint8Array[]) =>
  foldMerklePath(sha256d(Buffer.concat([filled(0x11, 50), ...extranonce, filled(0x22, 40)])), [
    filled(0xaa),
    filled(0xbb),
  ]);

describe('Miner', { timeout: 30_000 }, () => {
  it('submits shares of a standard job that meet its target, none twice', async () => {
    const pool = new FakePool();
    pool.serveChannels((channelId) => {
      pool.send(NewMiningJob, standardJob(channelId, 5));
      pool.send(SetNewPrevHash, newTip(channelId, 5));
    });
    pool.on(SubmitSharesStandard, accept(pool));
    const { miner } = mine([pool]);
    await miner.start();
    await until(() => miner.statistics.accepted >= 100);
    const shares = pool.all(SubmitSharesStandard);
    for (const share of shares) expect(meetsTarget(hashOf(share, filled(5)), EASY_TARGET)).toBe(true);
    expect(new Set(shares.map(({ version, nonce, ntime }) => `${version} ${nonce} ${ntime}`)).size).toBe(shares.length);
    expect(miner.statistics.rejected).toBe(0);
    expect(miner.hashrate()).toBeGreaterThan(0);
  });

  it('mines extended jobs on both kinds of channels, each in its turn', async () => {
    const pools = [new FakePool(), new FakePool()];
    for (const pool of pools) {
      pool.serveChannels((channelId) => startWork(pool, channelId, 9));
      pool.on(SubmitSharesStandard, accept(pool));
      pool.on(SubmitSharesExtended, accept(pool));
    }
    const standard = mine([pools[0]!], { channels: 3 });
    const extended = mine([pools[1]!], { kind: 'extended' });
    await Promise.all([standard.miner.start(), extended.miner.start()]);
    const sharesOf = (channelId: number) =>
      pools[0]!.all(SubmitSharesStandard).filter((share) => share.channelId === channelId);
    await until(() => [2, 3, 4].every((channelId) => sharesOf(channelId).length >= 20));
    await until(() => extended.miner.statistics.accepted >= 50);
    for (const channelId of [2, 3, 4]) {
      const own = sharesOf(channelId);
      // The prefix is the whole extranonce of a standard channel.
      const root = coinbaseRoot(filled(channelId, 20));
      for (const share of own) expect(meetsTarget(hashOf(share, root), EASY_TARGET)).toBe(true);
    }
    for (const share of pools[1]!.all(SubmitSharesExtended)) {
      const root = coinbaseRoot(filled(2, 8), share.extranonce);
      expect([share.extranonce.length, meetsTarget(hashOf(share, root), EASY_TARGET)]).toEqual([12, true]);
    }
  });

  it('sends nothing for the old tip after a new one', async () => {
    const pool = new FakePool();
    pool.serveChannels((channelId) => startWork(pool, channelId, 1));
    const { miner } = mine([pool]);
    const worked = once(miner, 'submitted');
    await miner.start();
    await worked;
    const moved = new Promise<void>((resolve) => {
      miner.on('work', (channel) => {
        if (channel.work?.job.jobId === 2) resolve();
      });
    });
    startWork(pool, 2, 2);
    await moved;
    const before = miner.statistics.submitted;
    await until(() => miner.statistics.submitted > before + 20);
    await until(() => pool.all(SubmitSharesStandard).length >= before + 20);
    const later = pool.all(SubmitSharesStandard).slice(before);
    expect(new Set(later.map(({ jobId }) => jobId))).toEqual(new Set([2]));
  });

  it('counts rejections by their code', async () => {
    const pool = new FakePool();
    pool.serveChannels((channelId) => startWork(pool, channelId, 1));
    pool.on(SubmitSharesStandard, ({ channelId, sequenceNumber }) =>
      pool.send(SubmitSharesError, { channelId, sequenceNumber, errorCode: 'difficulty-too-low' }),
    );
    const { miner } = mine([pool]);
    await miner.start();
    await until(() => miner.statistics.rejected > 3);
    expect([...miner.statistics.rejections.keys()]).toEqual(['difficulty-too-low']);
    expect(miner.statistics.accepted).toBe(0);
  });

  it('keeps to its limit', async () => {
    const pool = new FakePool();
    pool.serveChannels((channelId) => startWork(pool, channelId, 1), filled(0));
    const { miner } = mine([pool], { hashrate: 20_000 });
    await miner.start();
    await until(() => miner.statistics.hashes > 0);
    const start = performance.now();
    const before = miner.statistics.hashes;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const rate = ((miner.statistics.hashes - before) / (performance.now() - start)) * 1_000;
    // A search of a quarter of a second may fall in or out.
    expect(rate).toBeLessThan(26_000);
    expect(rate).toBeGreaterThan(5_000);
  });

  it('goes where Reconnect sends it, and back to its own pool from a failure there', async () => {
    const [first, second, third] = [new FakePool(), new FakePool(), new FakePool()];
    first.serveChannels(() => first.send(Reconnect, { newHost: 'second', newPort: 2 }));
    second.serveChannels(() => second.close());
    third.serveChannels((channelId) => startWork(third, channelId, 1));
    const { miner, asked } = mine([first, second, third]);
    await miner.start();
    await until(() => miner.statistics.submitted > 0);
    expect(asked).toEqual(['first:1', 'second:2', 'first:1']);
    expect(miner.statistics.connections).toBe(3);
  });

  it('comes back when the pool closes its last channel', async () => {
    const [first, second] = [new FakePool(), new FakePool()];
    first.serveChannels((channelId) => first.send(CloseChannel, { channelId, reasonCode: 'maintenance' }));
    second.serveChannels((channelId) => startWork(second, channelId, 1));
    const { miner } = mine([first, second]);
    const disconnected = once(miner, 'disconnected');
    await miner.start();
    expect(await disconnected).toEqual([expect.objectContaining({ message: expect.stringMatching(/maintenance/) })]);
    await until(() => miner.statistics.submitted > 0);
  });

  it('tells of a channel before its work', async () => {
    const pool = new FakePool();
    pool.serveChannels((channelId) => startWork(pool, channelId, 1));
    const { miner } = mine([pool]);
    const events: string[] = [];
    for (const event of ['channel', 'work', 'submitted'] as const) miner.on(event, () => events.push(event));
    await miner.start();
    await until(() => events.includes('submitted'));
    expect(events.slice(0, 2)).toEqual(['channel', 'work']);
  });

  it('says once what to do about a refusal that lasts, and waits longer', async () => {
    const pools = [new FakePool(), new FakePool()];
    for (const pool of pools) {
      pool.on(OpenStandardMiningChannel, ({ requestId }) =>
        pool.send(OpenMiningChannelError, { requestId, errorCode: 'unknown-user' }),
      );
    }
    const lines: { level: string; msg: string }[] = [];
    const { miner, asked } = mine(pools, {}, recorder(lines));
    await miner.start();
    await until(() => lines.some(({ level }) => level === 'warn'));
    expect(lines.filter(({ level }) => level === 'warn').map(({ msg }) => msg)).toEqual([
      'refused by stratum2+tcp://first:1 (miner-channel-refused: unknown-user): the pool does not take this identity: set --identity to an account of yours there, as account.worker',
    ]);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(asked).toEqual(['first:1']);
  });

  it('names the wrong key in the URL', async () => {
    const lines: { level: string; msg: string }[] = [];
    const other = { host: 'first', port: 1, authorityKey: filled(2) };
    const { miner } = mine([new FakePool()], { pool: other, once: true }, recorder(lines));
    await miner.start();
    await miner.ended;
    expect(lines.filter(({ level }) => level === 'warn').map(({ msg }) => msg)).toEqual([
      expect.stringMatching(
        /^refused by .* \(miner-handshake-failed: certificate-untrusted\): .* compare its authority key/,
      ),
    ]);
  });

  it('ends with its first connection when it is told to', async () => {
    const pool = new FakePool();
    pool.serveChannels(() => pool.close());
    const { miner, asked } = mine([pool], { once: true });
    await miner.start();
    await miner.ended;
    expect([asked, miner.connected]).toEqual([['first:1'], false]);
  });

  it('stops while it waits for a pool', async () => {
    const { miner, asked } = mine([]);
    await miner.start();
    // The third delay is at least two seconds.
    await until(() => asked.length === 3);
    const start = performance.now();
    await miner.stop();
    expect(performance.now() - start).toBeLessThan(2_000);
    miners.pop();
  });
});
