// A miner's share while it waits for others of the same job.
import type { HashedHeader } from '@sluice/bitcoin/header-lanes';
import type { WaitingShare } from '@sluice/mining/share-lanes';
import type { MinerShares } from './miner-shares.ts';

export class WaitingMinerShare implements WaitingShare {
  #shares: MinerShares | undefined;
  #jobId = 0;
  /** As long as all miners' is. */
  #extranonce2 = new Uint8Array(0);
  #ntime = 0;
  #nonce = 0;
  #version = 0;
  #request = '';

  /** @param extranonce2 of the length that all shares of the farm have; valid during the call. */
  write(
    shares: MinerShares,
    jobId: number,
    extranonce2: Uint8Array,
    ntime: number,
    nonce: number,
    version: number,
    request: string,
  ): void {
    this.#shares = shares;
    this.#jobId = jobId;
    if (this.#extranonce2.length !== extranonce2.length) this.#extranonce2 = new Uint8Array(extranonce2.length);
    this.#extranonce2.set(extranonce2);
    this.#ntime = ntime;
    this.#nonce = nonce;
    this.#version = version;
    this.#request = request;
  }

  judge(ahead: HashedHeader | undefined): void {
    const shares = this.#shares;
    this.#shares = undefined;
    shares?.judge(this.#jobId, this.#extranonce2, this.#ntime, this.#nonce, this.#version, this.#request, ahead);
  }
}
