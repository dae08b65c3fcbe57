// Hashes of up to four headers at a time, each in a SIMD lane: of what a share of a standard channel costs that is most, and four cost little more than
// one. Equal to `Sha256dBackend.header`, one after the other (property test).
import { instantiate, type MemoryExport } from '@sluice/wasm-writer/instantiate';
import { HEADER_SIZE } from './header.ts';
import {
  HASH_PADDING_AT,
  HEADER_PADDING_AT,
  headerLanesModule,
  IV_AT,
  PLACE_SIZE,
  PLACES_AT,
} from './header-lanes-module.ts';
import { LANES } from './lane-code.ts';
import { IV } from './sha256-rounds.ts';

interface LanesExports extends MemoryExport {
  run(first: number, second: number, third: number, fourth: number): void;
}

const ROOT_AT = 36;

/** A header and its hash, where it was hashed; views that stay. */
export interface HashedHeader {
  /** 80 bytes. */
  readonly header: Uint8Array;
  /** The same bytes, to be compared. */
  readonly words: Uint32Array;
  /** Of these the merkle root: 32 bytes. */
  readonly root: Uint8Array;
  /** 32 bytes in wire order. */
  readonly hash: Uint8Array;
}

/** Places for headers, and what hashes them: for one thread. */
export class HeaderLanes {
  readonly places: readonly HashedHeader[];
  readonly #exports = instantiate<LanesExports>(headerLanesModule());

  /** @param places for so many headers; at most 577. */
  constructor(places: number) {
    const { buffer } = this.#exports.memory;
    const words = new Uint32Array(buffer);
    const splat = (address: number, index: number, word: number) =>
      words.fill(word, address / 4 + index * LANES, address / 4 + (index + 1) * LANES);
    for (const [index, word] of IV.entries()) splat(IV_AT, index, word);
    splat(HASH_PADDING_AT, 0, 0x8000_0000);
    splat(HASH_PADDING_AT, 7, 256);
    splat(HEADER_PADDING_AT, 0, 0x8000_0000);
    splat(HEADER_PADDING_AT, 11, 640);
    this.places = Array.from({ length: places }, (_, place) => {
      const at = PLACES_AT + place * PLACE_SIZE;
      return {
        header: new Uint8Array(buffer, at, HEADER_SIZE),
        words: new Uint32Array(buffer, at, HEADER_SIZE / 4),
        root: new Uint8Array(buffer, at + ROOT_AT, 32),
        hash: new Uint8Array(buffer, at + HEADER_SIZE, 32),
      };
    });
  }

  /** Hashes the headers of these places; for fewer than four one is named again. */
  run(first: number, second: number, third: number, fourth: number): void {
    this.#exports.run(addressOf(first), addressOf(second), addressOf(third), addressOf(fourth));
  }
}

const addressOf = (place: number) => PLACES_AT + place * PLACE_SIZE;
