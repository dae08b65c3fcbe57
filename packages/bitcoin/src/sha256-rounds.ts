// The parts of SHA-256 [FIPS 180-4] that a hash library does not hand out: its constants and the state after one block.

function firstPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let candidate = 2; primes.length < count; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return primes;
}

/** The first 32 bits of the fraction of the root of this degree. */
function rootFraction(value: number, degree: 2n | 3n): number {
  // The largest r with r^degree <= value * 2^(32 degree) is the root scaled by 2^32.
  const scaled = BigInt(value) << (32n * degree);
  let root = 0n;
  for (let bit = 1n << 37n; bit > 0n; bit >>= 1n) if ((root + bit) ** degree <= scaled) root += bit;
  return Number(root & 0xffff_ffffn);
}

/** Round constants. */
export const K: readonly number[] = firstPrimes(64).map((prime) => rootFraction(prime, 3n));
/** Initial state. */
export const IV: readonly number[] = firstPrimes(8).map((prime) => rootFraction(prime, 2n));

const rotate = (word: number, bits: number) => (word >>> bits) | (word << (32 - bits));

/** The state after the first `blocks` blocks of 64 bytes of `data`: eight words. */
export function sha256State(data: Uint8Array, blocks: number): Uint32Array {
  const view = new DataView(data.buffer, data.byteOffset);
  const state = Uint32Array.from(IV);
  for (let block = 0; block < blocks; block++) compress(state, view, block * 64);
  return state;
}

/** The 64 words that a block of 16 words becomes. */
export function messageSchedule(block: readonly number[]): Uint32Array {
  const w = new Uint32Array(64);
  w.set(block);
  for (let t = 16; t < 64; t++) {
    const [x, y] = [w[t - 15]!, w[t - 2]!];
    const low = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
    const high = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
    w[t] = w[t - 16]! + low + w[t - 7]! + high;
  }
  return w;
}

function compress(state: Uint32Array, view: DataView, offset: number): void {
  const w = messageSchedule(Array.from({ length: 16 }, (_, t) => view.getUint32(offset + t * 4)));
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let t = 0; t < 64; t++) {
    const t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + K[t]! + w[t]!;
    const t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
  }
  for (const [index, word] of [a, b, c, d, e, f, g, h].entries()) state[index]! += word;
}
