// SHA-256 [FIPS 180-4] in four SIMD lanes, a message each.
import type { LaneCode } from './lane-code.ts';
import { K, messageSchedule } from './sha256-rounds.ts';

/** 64 rounds over `state` and the message `words`, both lists of locals; `state` ends as the result without the last addition. */
export function rounds(code: LaneCode, state: number[], words: readonly number[], spare: number): void {
  let next = spare;
  for (let round = 0; round < 64; round++) {
    const word = words[round % 16]!;
    if (round >= 16) {
      code
        .get(word)
        .get(words[(round + 9) % 16]!)
        .add();
      code.mix(words[(round + 1) % 16]!, [7, 18], 3).add();
      code
        .mix(words[(round + 14) % 16]!, [17, 19], 10)
        .add()
        .set(word);
    }
    code.constant(K[round]!).get(word).add();
    next = oneRound(code, state, next);
  }
}

/** The same over a message that is known: 16 words, the same in all lanes. */
export function roundsOfConstant(code: LaneCode, state: number[], message: readonly number[], spare: number): void {
  let next = spare;
  for (const [round, word] of messageSchedule(message).entries()) {
    code.constant((K[round]! + word) | 0);
    next = oneRound(code, state, next);
  }
}

/** With the round's constant and message word, added up, on the stack. Returns the local that is free now. */
function oneRound(code: LaneCode, state: number[], spare: number): number {
  const [a, b, c, d, e, f, g, h] = state as [number, number, number, number, number, number, number, number];
  // T1 in h, then d + T1 in d and T1 + T2 in the spare local; the names move on instead of the values.
  code.get(h).add().mix(e, [6, 11, 25]).add();
  code.get(f).get(g).get(e).op('v128.bitselect').add().set(h);
  code.get(d).get(h).add().set(d);
  code.get(h).mix(a, [2, 13, 22]).add();
  // The majority: where a and b differ it is c.
  code.get(c).get(a).get(a).get(b).op('v128.xor', 'v128.bitselect').add().set(spare);
  state.splice(0, 8, spare, a, b, c, d, e, f, g);
  return h;
}

/** The 16 words of a last block of a message of `bits` bits, whose first ones are set already. */
export function pad(code: LaneCode, words: readonly number[], used: number, bits: number): void {
  for (let index = used; index < 16; index++) {
    code.constant(index === used ? 0x8000_0000 : index === 15 ? bits : 0).set(words[index]!);
  }
}
