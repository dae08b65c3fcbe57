// Another miner of a pool, which says when the pool told a tip: what a proxy does with it begins there.
import { Sv2Client } from '../../support/sv2-client.ts';
import { waitFor } from '../../support/wait-for.ts';
import { monotonicMs } from '../measure/monotonic.ts';

export class TipWatcher {
  readonly #told: Map<string, number>;
  readonly #client: Sv2Client;

  private constructor(client: Sv2Client, told: Map<string, number>) {
    this.#client = client;
    this.#told = told;
  }

  static async start(port: number, authorityKey: string): Promise<TipWatcher> {
    const told = new Map<string, number>();
    const onTip = (prevHash: Uint8Array) => told.set(Buffer.from(prevHash).toString('hex'), monotonicMs());
    const client = await Sv2Client.connect({ port, authorityKey, onTip });
    await client.openExtended({ identity: 'watcher', hashRate: 1 });
    return new TipWatcher(client, told);
  }

  /** On the clock that all processes share. @param hash in hexadecimal, wire order. */
  async toldAt(hash: string): Promise<number> {
    await waitFor(() => this.#told.has(hash));
    return this.#told.get(hash) ?? Number.NaN;
  }

  stop(): Promise<void> {
    return this.#client.close();
  }
}
