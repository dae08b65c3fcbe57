// A miner on the reference implementation's Noise and codec mines on our responder and codec.
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../support/run.ts';
import { buildSriPeer, whyNoSriPeer } from '../support/sri.ts';
import { type ScriptedPool, startScriptedPool } from './scripted-pool.ts';

const missing = whyNoSriPeer();

describe.skipIf(missing !== undefined && process.env.CI === undefined)(
  `SRI client${missing ? `: ${missing}` : ''}`,
  () => {
    let peer = '';
    let pool: ScriptedPool;

    beforeAll(async () => {
      peer = await buildSriPeer();
    });
    beforeEach(async () => {
      pool = await startScriptedPool();
    });
    afterEach(() => pool.close());

    const client = (...options: string[]): Promise<string> =>
      run(peer, ['client', '--address', pool.address, '--timeout', '30', ...options]);

    test('mines on a standard and an extended channel, over a new tip for their group', async () => {
      const out = await client('--authority', pool.authorityKey, '--shares', '5');
      const events: { event: string; channels?: unknown; channel?: number }[] = out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(events.at(-1)).toMatchObject({
        event: 'done',
        channels: [
          { channel: 2, extended: false, accepted: 5 },
          { channel: 3, extended: true, accepted: 5 },
        ],
      });
      expect(events.filter(({ event, channel }) => event === 'tip' && channel === 1)).toHaveLength(1);
      expect(pool.seen).toMatchObject({ accepted: 10, refused: 0, vendor: 'SRI' });
    });

    test('names its worker in a TLV field when the extension was negotiated', async () => {
      await client('--authority', pool.authorityKey, '--channels', 'extended', '--shares', '2', '--worker', 'rig-7');
      expect(pool.seen.workers).toEqual(['rig-7', 'rig-7']);
    });

    test('refuses a pool whose certificate another authority signed', async () => {
      const other = await startScriptedPool();
      await other.close();
      await expect(client('--authority', other.authorityKey)).rejects.toThrow(/handshake: .*InvalidCertificate/);
      expect(pool.seen).toMatchObject({ handshakes: 1, vendor: '' });
    });
  },
);
