import { nobleSha256d } from '@sluice/bitcoin/sha256d';
import { targetOfDifficulty } from '@sluice/bitcoin/target';
import { MiningChannel } from '@sluice/mining/channel';
import { FULL_EXTRANONCE_SIZE } from '@sluice/mining/extranonce';
import { shareTarget } from '@sluice/mining/share-target';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { job as jobNumber } from '../../../packages/mining/test/work.ts';
import { RootsAhead } from '../src/roots-ahead.ts';

const target = shareTarget(targetOfDifficulty(1));
const channelOf = (extranoncePrefix: Uint8Array) => new MiningChannel({ kind: 'standard', extranoncePrefix, target });
const prefixes = fc.array(fc.uint8Array({ minLength: FULL_EXTRANONCE_SIZE, maxLength: FULL_EXTRANONCE_SIZE }), {
  maxLength: 11,
});

test('roots that are hashed ahead are those of the plain way, of the job that was taken up and of no other', () => {
  const roots = new RootsAhead();
  fc.assert(
    fc.property(fc.array(fc.record({ prefixes, levels: fc.nat(13) }), { minLength: 1, maxLength: 4 }), (passes) => {
      for (const [pass, { prefixes: given, levels }] of passes.entries()) {
        const job = jobNumber(16 * (pass + 1), levels);
        const other = jobNumber(16 * (pass + 2), levels);
        const channels = given.map(channelOf);
        roots.begin(job);
        for (const channel of channels) roots.add(channel);
        roots.run();
        const known = channels.filter((channel) => roots.rootOf(channel, job) !== undefined);
        // One that is left alone is hashed when it is told.
        expect(known.length).toBe(channels.length - (channels.length % 4 === 1 ? 1 : 0));
        for (const channel of known) expect(roots.rootOf(channel, job)).toEqual(channel.rootOf(job, nobleSha256d));
        for (const channel of channels) expect(roots.rootOf(channel, other)).toBeUndefined();
      }
      roots.begin(undefined);
    }),
  );
});
