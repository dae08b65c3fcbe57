import { expect, it } from 'vitest';
import { PLACES_BOUND, Places, placeBytes } from '../../src/miners/places.ts';

it('gives every place once, and none when all are taken', () => {
  const places = new Places();
  const given = new Set(Array.from({ length: PLACES_BOUND }, () => places.take()));
  expect(given.size).toBe(PLACES_BOUND);
  expect(given.has(0)).toBe(false);
  expect(places.take()).toBeUndefined();
  places.release(77);
  places.release(77);
  expect(places.count).toBe(PLACES_BOUND - 1);
  expect(places.take()).toBe(77);
});

it('gives a place again as late as possible', () => {
  const places = new Places();
  expect([places.take(), places.take()]).toEqual([1, 2]);
  places.release(1);
  expect(places.take()).toBe(3);
  for (let place = 4; place <= PLACES_BOUND; place += 1) places.take();
  expect(places.take()).toBe(1);
});

it('writes places as two bytes', () => {
  expect([...placeBytes(0x1234)]).toEqual([0x12, 0x34]);
  expect([...placeBytes(1)]).toEqual([0, 1]);
});
