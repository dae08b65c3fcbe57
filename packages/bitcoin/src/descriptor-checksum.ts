// The eight characters behind `#` that guard an output descriptor against mistypes: a BCH code over the text [BIP380].

/** Characters that a descriptor may have, in groups of 32 by how they are likely to be mistaken for each other. */
const INPUT_CHARACTERS =
  "0123456789()[],'/*abcdefgh@:$%{}" + 'IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~' + 'ijklmnopqrstuvwxyzABCDEFGH`#"\\ ';
const CHECKSUM_CHARACTERS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATOR = [0xf5dee51989n, 0xa9fdca3312n, 0x1bab10e32dn, 0x3706b1677an, 0x644d626ffdn] as const;

function polymod(checksum: bigint, value: number): bigint {
  const top = checksum >> 35n;
  let next = ((checksum & 0x7ffffffffn) << 5n) ^ BigInt(value);
  for (let bit = 0; bit < GENERATOR.length; bit += 1) {
    if (((top >> BigInt(bit)) & 1n) === 1n) next ^= GENERATOR[bit]!;
  }
  return next;
}

/** Checksum of a descriptor without its `#…`; `undefined` when it has a character that no descriptor has. */
export function descriptorChecksum(descriptor: string): string | undefined {
  let checksum = 1n;
  let groups = 0;
  let grouped = 0;
  for (const character of descriptor) {
    const position = INPUT_CHARACTERS.indexOf(character);
    if (position < 0) return undefined;
    checksum = polymod(checksum, position & 31);
    groups = groups * 3 + (position >> 5);
    grouped += 1;
    if (grouped === 3) {
      checksum = polymod(checksum, groups);
      groups = 0;
      grouped = 0;
    }
  }
  if (grouped > 0) checksum = polymod(checksum, groups);
  for (let index = 0; index < 8; index += 1) checksum = polymod(checksum, 0);
  checksum ^= 1n;

  let text = '';
  for (let index = 7; index >= 0; index -= 1)
    text += CHECKSUM_CHARACTERS[Number((checksum >> BigInt(5 * index)) & 31n)];
  return text;
}
