// Thousands of miners of Stratum V1 in one process: a connection each and shares that are really found, but one clock for all that hash, and a
// line that all of them get is read once. Every share is remembered with what it was told.
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { writeHeader } from '@sluice/bitcoin/header';
import { foldMerklePath } from '@sluice/bitcoin/merkle';
import { wasmSha256d as sha256d } from '@sluice/bitcoin/sha256d-wasm';
import { meetsTarget, targetOfDifficulty, targetToBytes } from '@sluice/bitcoin/target';
import { hexU32 } from '@sluice/sv1/hex';

const SLICE_MS = 10;
/** Hashes that a stall may let the farm catch up with, in slices. */
const MAX_DEBT = 5;
/** Of one miner, before it is the turn of the next. */
const TURN_HASHES = 16;
/** Connections that are set up at a time: fewer than a listener's backlog. */
const AT_A_TIME = 200;

/** A mining.notify, the same object for all miners that got the same line. */
export interface FarmJob {
  readonly id: string;
  readonly prevHash: Uint8Array;
  readonly coinbasePrefix: Uint8Array;
  readonly coinbaseSuffix: Uint8Array;
  readonly merklePath: readonly Uint8Array[];
  readonly version: number;
  readonly nbits: number;
  readonly ntime: number;
  readonly clean: boolean;
}

export interface FarmShare {
  /** Of all shares of the farm, whichever pool they are for: `shareKey`. */
  readonly key: string;
  /** `accepted`, or the text of the error; `undefined`: it has no answer. */
  answer: string | undefined;
}

/** What no other share of the farm has: place and extranonce2 in hexadecimal, and the fields of its header. */
export const shareKey = (extranonce: string, ntime: number, nonce: number, version: number): string =>
  `${extranonce}-${hexU32(ntime)}-${hexU32(nonce)}-${hexU32(version)}`;

export interface Sv1FarmOptions {
  readonly port: number;
  readonly count: number;
  /** Miners are `account.rig-0` and so on. */
  readonly account: string;
  /** Of all together, hashes a second. */
  readonly hashrate: number;
}

export class Sv1Farm {
  readonly miners: readonly FarmMiner[];
  readonly shares: FarmShare[] = [];
  /** Of all together, hashes a second; 0 is a pause. */
  hashrate: number;
  readonly #jobs = new Map<string, FarmJob>();
  readonly #timer: NodeJS.Timeout;
  #next = 0;
  #slicedAt = performance.now();

  private constructor({ port, count, account, hashrate }: Sv1FarmOptions) {
    this.hashrate = hashrate;
    const modules = { port, shares: this.shares, jobOf: (line: string) => this.#jobOf(line) };
    this.miners = Array.from({ length: count }, (_, index) => new FarmMiner(`${account}.rig-${index}`, modules));
    this.#timer = setInterval(() => this.#mine(), SLICE_MS);
  }

  /** Resolves when each of them is authorized and has a job. */
  static async connect(options: Sv1FarmOptions): Promise<Sv1Farm> {
    const farm = new Sv1Farm(options);
    for (let from = 0; from < farm.miners.length; from += AT_A_TIME)
      await Promise.all(farm.miners.slice(from, from + AT_A_TIME).map((miner) => miner.connect()));
    return farm;
  }

  get disconnected(): number {
    return this.miners.filter(({ isOpen }) => !isOpen).length;
  }

  get unanswered(): number {
    return this.shares.filter(({ answer }) => answer === undefined).length;
  }

  get accepted(): number {
    return this.shares.filter(({ answer }) => answer === 'accepted').length;
  }

  /** How often each error was told. */
  get refused(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { answer } of this.shares)
      if (answer !== undefined && answer !== 'accepted') counts.set(answer, (counts.get(answer) ?? 0) + 1);
    return counts;
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const miner of this.miners) miner.stop();
  }

  #jobOf(line: string): FarmJob {
    let job = this.#jobs.get(line);
    if (job === undefined) {
      job = readJob(JSON.parse(line).params);
      this.#jobs.set(line, job);
    }
    return job;
  }

  #mine(): void {
    const now = performance.now();
    const elapsed = Math.min(now - this.#slicedAt, MAX_DEBT * SLICE_MS);
    this.#slicedAt = now;
    const turns = Math.round((this.hashrate * elapsed) / 1_000 / TURN_HASHES);
    for (let turn = 0; turn < turns; turn++) {
      this.#next = (this.#next + 1) % this.miners.length;
      this.miners[this.#next]?.hash(TURN_HASHES);
    }
  }
}

interface FarmModules {
  readonly port: number;
  readonly shares: FarmShare[];
  jobOf(line: string): FarmJob;
}

export class FarmMiner {
  isOpen = false;
  /** Every job with its time, milliseconds of `performance.now()`. */
  readonly heard: { readonly job: FarmJob; readonly atMs: number }[] = [];
  readonly #user: string;
  readonly #modules: FarmModules;
  readonly #waiting = new Map<number, FarmShare>();
  readonly #header = new Uint8Array(80);
  readonly #headerView = new DataView(this.#header.buffer);
  readonly #hash = new Uint8Array(32);
  #socket: Socket | undefined;
  #onReady: (() => void) | undefined;
  #received = '';
  #nextId = 3;
  #extranonce1 = '';
  #extranonce2Size = 0;
  /** Counts over all jobs, so that none is used twice. */
  #extranonce2 = 0;
  #difficulty = Number.NaN;
  /** Of the difficulty in force when the last job came. */
  #target: Uint8Array | undefined;
  #hashed: FarmJob | undefined;
  #nonce = 0;

  constructor(user: string, modules: FarmModules) {
    this.#user = user;
    this.#modules = modules;
  }

  get job(): FarmJob | undefined {
    return this.heard.at(-1)?.job;
  }

  /** Resolves with the first job; fails when the connection ends before. */
  connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: this.#modules.port, noDelay: true });
      this.#socket = socket;
      this.#onReady = resolve;
      socket.setEncoding('utf8').on('data', (text: unknown) => this.#take(String(text)));
      socket.on('connect', () => {
        this.isOpen = true;
        this.#send(1, 'mining.subscribe', ['sluice-test-farm/1']);
        this.#send(2, 'mining.authorize', [this.#user, 'x']);
      });
      socket.on('error', reject);
      socket.on('close', () => {
        this.isOpen = false;
        reject(new Error(`${this.#user}: the connection ended before there was work`));
      });
    });
  }

  stop(): void {
    this.#socket?.destroy();
  }

  hash(count: number): void {
    const { job } = this;
    const target = this.#target;
    if (!this.isOpen || job === undefined || target === undefined) return;
    if (job !== this.#hashed) this.#begin(job);
    for (let done = 0; done < count; done++) {
      const nonce = this.#nonce++;
      this.#headerView.setUint32(76, nonce, true);
      sha256d.header(this.#header, this.#hash);
      if (meetsTarget(this.#hash, target)) this.#submit(job, nonce);
    }
  }

  #begin(job: FarmJob): void {
    this.#hashed = job;
    this.#extranonce2 += 1;
    this.#nonce = 0;
    const extranonce = Buffer.from(this.#extranonce1 + this.#extranonce2Hex, 'hex');
    const coinbase = Buffer.concat([job.coinbasePrefix, extranonce, job.coinbaseSuffix]);
    const root = foldMerklePath(sha256d.sha256d(coinbase), job.merklePath);
    writeHeader(this.#header, job.version, job.prevHash, root, job.ntime, job.nbits, 0);
  }

  get #extranonce2Hex(): string {
    return this.#extranonce2.toString(16).padStart(2 * this.#extranonce2Size, '0');
  }

  #submit({ id, ntime, version }: FarmJob, nonce: number): void {
    const extranonce2 = this.#extranonce2Hex;
    const share = { key: shareKey(this.#extranonce1 + extranonce2, ntime, nonce, version), answer: undefined };
    const request = this.#nextId++;
    this.#modules.shares.push(share);
    this.#waiting.set(request, share);
    this.#send(request, 'mining.submit', [this.#user, id, extranonce2, hexU32(ntime), hexU32(nonce)]);
  }

  #send(id: number, method: string, params: readonly unknown[]): void {
    this.#socket?.write(`${JSON.stringify({ id, method, params })}\n`);
  }

  #take(text: string): void {
    const lines = (this.#received + text).split('\n');
    this.#received = lines.pop() ?? '';
    for (const line of lines) this.#onLine(line);
  }

  #onLine(line: string): void {
    if (line.includes('"mining.notify"') && !line.includes('"result"')) {
      this.heard.push({ job: this.#modules.jobOf(line), atMs: performance.now() });
      this.#target = targetToBytes(targetOfDifficulty(this.#difficulty));
      this.#onReady?.();
      return;
    }
    const { id, method, params, result, error } = JSON.parse(line);
    if (method === 'mining.set_difficulty') this.#difficulty = params[0];
    else if (method !== undefined) throw new Error(`${this.#user}: nobody knows ${method}`);
    else if (id === 1) [, this.#extranonce1, this.#extranonce2Size] = result;
    else if (id === 2 && result !== true) throw new Error(`${this.#user}: not authorized`);
    else this.#onAnswer(id, result === true ? 'accepted' : String(error?.[1]));
  }

  #onAnswer(id: number, answer: string): void {
    const share = this.#waiting.get(id);
    if (share === undefined) return;
    share.answer = answer;
    this.#waiting.delete(id);
  }
}

function readJob(params: [string, string, string, string, string[], string, string, string, boolean]): FarmJob {
  const [id, prevHash, coinbase1, coinbase2, merklePath, version, nbits, ntime, clean] = params;
  return {
    ...{ id, clean },
    // SV1 swaps the bytes of each word.
    prevHash: Buffer.from(prevHash, 'hex').swap32(),
    coinbasePrefix: Buffer.from(coinbase1, 'hex'),
    coinbaseSuffix: Buffer.from(coinbase2, 'hex'),
    merklePath: merklePath.map((hash) => Buffer.from(hash, 'hex')),
    version: Number.parseInt(version, 16),
    nbits: Number.parseInt(nbits, 16),
    ntime: Number.parseInt(ntime, 16),
  };
}
