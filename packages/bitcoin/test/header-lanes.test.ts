import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeaderLanes } from '../src/header-lanes.ts';
import { LANES } from '../src/lane-code.ts';
import { nobleSha256d } from '../src/sha256d.ts';

const PLACES = 577;
const headers = fc.array(fc.uint8Array({ minLength: 80, maxLength: 80 }), { minLength: 1, maxLength: LANES });

function hashOf(header: Uint8Array): Uint8Array {
  const out = new Uint8Array(32);
  nobleSha256d.header(header, out);
  return out;
}

describe('HeaderLanes', () => {
  it('finds the hashes that the reference finds, of one to four headers, wherever they lie', () => {
    const lanes = new HeaderLanes(PLACES);
    const numbers = fc.uniqueArray(fc.nat(PLACES - 1), { minLength: LANES, maxLength: LANES });
    fc.assert(
      fc.property(headers, numbers, (some, [first, ...rest]) => {
        const used = [first!, ...rest].slice(0, some.length);
        for (const [index, place] of used.entries()) lanes.places[place]!.header.set(some[index]!);
        const at = (lane: number) => used[lane] ?? first!;
        lanes.run(at(0), at(1), at(2), at(3));
        for (const [index, place] of used.entries()) {
          const { header, hash } = lanes.places[place]!;
          expect(header).toEqual(some[index]);
          expect(hash).toEqual(hashOf(some[index]!));
        }
      }),
    );
  });

  it('leaves all other places as they are', () => {
    const lanes = new HeaderLanes(6);
    const header = (seed: number) => new Uint8Array(80).fill(seed);
    for (const [seed, place] of lanes.places.entries()) place.header.set(header(seed));
    lanes.run(5, 0, 3, 1);
    expect(lanes.places.map(({ hash }) => hash)).toEqual(
      [0, 1, 2, 3, 4, 5].map((seed) => (seed === 2 || seed === 4 ? new Uint8Array(32) : hashOf(header(seed)))),
    );
    expect(lanes.places.map((place) => place.header)).toEqual([0, 1, 2, 3, 4, 5].map(header));
  });

  it('shows the merkle root of a header, and its words', () => {
    const [place] = new HeaderLanes(1).places;
    place!.header.set(Uint8Array.from({ length: 80 }, (_, index) => index));
    expect(place!.root).toEqual(Uint8Array.from({ length: 32 }, (_, index) => 36 + index));
    expect(place!.words).toHaveLength(20);
    expect(place!.words[19]).toBe(0x4f4e4d4c);
  });
});
