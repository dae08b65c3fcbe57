// mining.notify for any number of miners: the long middle of the line is made once for a job, a line once for an id and a time, and what is
// written to each socket is the same bytes.
import { bytesToHex } from '@noble/hashes/utils.js';
import { Sv1EncodeError } from './errors.ts';
import { hexU32 } from './hex.ts';
import type { Sv1Work } from './job.ts';
import { MAX_LINE_SIZE } from './line-parser.ts';
import { formatPrevHash } from './prev-hash.ts';

const HEAD = '{"id":null,"method":"mining.notify","params":["';
/** What stands behind the middle but the line feed: a time of eight digits, its quote, a comma, `false`, two brackets. */
const LONGEST_TAIL = 17;

const encoder = new TextEncoder();

/** The lines of one job. */
export class NotifyTemplate {
  readonly #middle: Uint8Array;

  constructor({ prevHash, coinbasePrefix, coinbaseSuffix, merklePath, version, nbits }: Sv1Work) {
    const path = merklePath.map((hash) => `"${bytesToHex(hash)}"`).join(',');
    const coinbase = `"${bytesToHex(coinbasePrefix)}","${bytesToHex(coinbaseSuffix)}"`;
    this.#middle = encoder.encode(
      `","${formatPrevHash(prevHash)}",${coinbase},[${path}],"${hexU32(version)}","${hexU32(nbits)}","`,
    );
  }

  /** Whether every line of up to 16 characters of job id fits the 8,192 bytes that devices have room for. */
  get fitsDevices(): boolean {
    return HEAD.length + 16 + this.#middle.length + LONGEST_TAIL <= MAX_LINE_SIZE;
  }

  /**
   * The line with its line feed: a new array, for all miners. A job that is told again needs a new id, because ESP-Miner passes over one that
   * it knows. @param ntime Unix seconds. Throws `value-out-of-range` for an id with quotes, backslashes or other than printable ASCII.
   */
  line(jobId: string, ntime: number, cleanJobs: boolean): Uint8Array {
    if (!/^[ !#-[\]-~]+$/.test(jobId)) throw new Sv1EncodeError('value-out-of-range', 'a job id is plain ASCII');
    const head = HEAD + jobId;
    const tail = `${hexU32(ntime)}",${cleanJobs}]}\n`;
    const line = new Uint8Array(head.length + this.#middle.length + tail.length);
    encoder.encodeInto(head, line);
    line.set(this.#middle, head.length);
    encoder.encodeInto(tail, line.subarray(head.length + this.#middle.length));
    return line;
  }
}
