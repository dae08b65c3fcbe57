// A miner's end of a connection in memory, which hashes for what it sends.
import { writeHeader } from '@sluice/bitcoin/header';
import { foldMerklePath } from '@sluice/bitcoin/merkle';
import { nobleSha256d } from '@sluice/bitcoin/sha256d';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import { meetsTarget } from '@sluice/bitcoin/target';
import { shareTarget } from '@sluice/mining/share-target';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { OpenStandardMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-standard-mining-channel-success';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { TestPeer } from '../../../../../packages/server/test/support/test-peer.ts';
import { UPSTREAM_TARGET } from '../../miners/fake-farm.ts';

export const EASIEST = new Uint8Array(32).fill(0xff);

/** What headers are made of. */
export interface Sv2Work {
  readonly channelId: number;
  readonly jobId: number;
  readonly version: number;
  readonly merkleRoot: Uint8Array;
  readonly prevHash: Uint8Array;
  readonly ntime: number;
  readonly nbits: number;
}

/** `kept`: good and below what the upstream wants. */
export type WantedShare = 'kept' | 'forwarded';

export class Sv2Miner extends TestPeer {
  #nonce = 0;

  async setUp(flags = 0, changed: Partial<SetupConnection> = {}): Promise<SetupConnectionSuccess> {
    this.send(SetupConnection, { ...setupConnection(flags), ...changed });
    return await this.expect(SetupConnectionSuccess);
  }

  async openStandard(changed: Partial<OpenStandardMiningChannel> = {}): Promise<OpenStandardMiningChannelSuccess> {
    this.send(OpenStandardMiningChannel, { ...opening, ...changed });
    return await this.expect(OpenStandardMiningChannelSuccess);
  }

  async openExtended(changed: Partial<OpenExtendedMiningChannel> = {}): Promise<OpenExtendedMiningChannelSuccess> {
    this.send(OpenExtendedMiningChannel, { ...opening, minExtranonceSize: 4, ...changed });
    return await this.expect(OpenExtendedMiningChannelSuccess);
  }

  /** The job and the tip that come right behind the answer to an opening, or with a new block. */
  async standardWork(): Promise<Sv2Work> {
    const { channelId, jobId, version, merkleRoot, minNtime } = await this.expect(NewMiningJob);
    if (minNtime !== undefined) throw new Error('no future job');
    return await this.#onTip({ channelId, jobId, version, merkleRoot });
  }

  /** The same. @param extranonce prefix and what is rolled. */
  async extendedWork(extranonce: Uint8Array): Promise<Sv2Work> {
    const job = await this.expect(NewExtendedMiningJob);
    if (job.minNtime !== undefined) throw new Error('no future job');
    const coinbase = Buffer.concat([job.coinbaseTxPrefix, extranonce, job.coinbaseTxSuffix]);
    const merkleRoot = foldMerklePath(nobleSha256d.sha256d(coinbase), job.merklePath);
    return await this.#onTip({ channelId: job.channelId, jobId: job.jobId, version: job.version, merkleRoot });
  }

  /** Hashes until it has a share that it never had before. @param meets the miner's own target. */
  find(work: Sv2Work, wanted: WantedShare, meets: bigint): { readonly nonce: number; readonly hash: Uint8Array } {
    const header = new Uint8Array(80);
    writeHeader(header, work.version, work.prevHash, work.merkleRoot, work.ntime, work.nbits, 0);
    const [own, upstream] = [shareTarget(meets).bytes, shareTarget(UPSTREAM_TARGET).bytes];
    const hash = new Uint8Array(32);
    for (const end = this.#nonce + 500_000; this.#nonce < end; ) {
      this.#nonce += 1;
      new DataView(header.buffer).setUint32(76, this.#nonce, true);
      wasmSha256d.header(header, hash);
      if (meetsTarget(hash, own) && meetsTarget(hash, upstream) === (wanted === 'forwarded'))
        return { nonce: this.#nonce, hash: Uint8Array.from(hash) };
    }
    throw new Error('no share in 500,000 hashes');
  }

  async #onTip(job: Omit<Sv2Work, 'prevHash' | 'ntime' | 'nbits'>): Promise<Sv2Work> {
    const { channelId, jobId, prevHash, minNtime, nbits } = await this.expect(SetNewPrevHash);
    if (channelId !== job.channelId || jobId !== job.jobId) throw new Error('the tip is for another job');
    return { ...job, prevHash, ntime: minNtime, nbits };
  }
}

export function setupConnection(flags = 0): SetupConnection {
  return {
    ...{ protocol: 0, minVersion: 2, maxVersion: 2, flags, endpointHost: 'proxy.example', endpointPort: 34255 },
    ...{ vendor: 'test', hardwareVersion: '', firmware: '', deviceId: '' },
  };
}

export const opening = { requestId: 7, userIdentity: 'farm.rig', nominalHashRate: 0, maxTarget: EASIEST };
