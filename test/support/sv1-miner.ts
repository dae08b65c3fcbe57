// A miner of Stratum V1 for tests: it sets itself up as firmware does, really hashes at the pace that it is told, rolls version bits
// where it may, and believes only what it is answered.
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { connect as connectTls } from 'node:tls';
import { writeHeader } from '@sluice/bitcoin/header';
import { foldMerklePath } from '@sluice/bitcoin/merkle';
import { wasmSha256d as sha256d } from '@sluice/bitcoin/sha256d-wasm';
import { compactToTarget, meetsTarget, targetOfDifficulty, targetToBytes } from '@sluice/bitcoin/target';

/** All bits that BIP 320 lets a miner roll. */
const ROLLABLE_VERSION_BITS = '1fffe000';
const SLICE_MS = 10;
/** Hashes that a stall may let it catch up with, in slices. */
const MAX_DEBT = 5;
/** Hashes on one extranonce and version, of 2^32. */
const NONCES_PER_WORK = 4_096;

/** A mining.notify. */
export interface Sv1Job {
  readonly id: string;
  /** 32 bytes, wire order. */
  readonly prevHash: Uint8Array;
  readonly coinbasePrefix: Uint8Array;
  readonly coinbaseSuffix: Uint8Array;
  readonly merklePath: readonly Uint8Array[];
  readonly version: number;
  readonly nbits: number;
  readonly ntime: number;
  readonly clean: boolean;
  /** 32 bytes, of the difficulty in force when the job came. */
  readonly target: Uint8Array;
  /** Milliseconds of `performance.now()`. */
  readonly atMs: number;
}

/** What a submission was refused with: the job's tip tells whether another one overtook it. */
interface Rejection {
  readonly reason: string;
  readonly prevHash: Uint8Array;
}

interface Work {
  readonly job: Sv1Job;
  readonly extranonce2: Buffer;
  readonly versionBits: number;
  readonly header: Uint8Array;
  readonly networkTarget: Uint8Array;
  nonce: number;
}

export interface Sv1MinerOptions {
  readonly port: number;
  /** Such as `farm.rig-1`. */
  readonly user: string;
  /** Hashes a second. */
  readonly hashrate: number;
  /** Whether it asks for version rolling; default true. */
  readonly rollsVersion?: boolean;
  /** That it asks for in its password. */
  readonly difficulty?: number;
  /** Over TLS, trusting this certificate in PEM alone; `any`: without looking at it, as most devices do. */
  readonly trusts?: string;
  /** Of each share: milliseconds until its answer. */
  readonly onAnswered?: (latencyMs: number) => void;
}

export class Sv1Miner {
  /** Every mining.notify so far. */
  readonly jobs: Sv1Job[] = [];
  /** Every mining.set_difficulty so far. */
  readonly difficulties: number[] = [];
  readonly rejections: Rejection[] = [];
  submitted = 0;
  accepted = 0;
  /** Accepted shares, by the id of their job. */
  readonly acceptedOf = new Map<string, number>();
  /** Accepted shares that are blocks: their hashes, 32 bytes. */
  readonly blocks: Uint8Array[] = [];
  extranonce1 = Buffer.alloc(0);
  isOpen = true;
  /** Hashes a second; 0 is a pause. */
  hashrate: number;
  /** Resolves when it is subscribed and authorized; fails when the connection ends before. */
  readonly ready: Promise<void>;
  readonly #user: string;
  readonly #password: string;
  readonly #onAnswered: ((latencyMs: number) => void) | undefined;
  readonly #socket: Socket;
  readonly #answers = new Map<number, (answer: { readonly result: unknown; readonly error: unknown }) => void>();
  readonly #hash = new Uint8Array(32);
  #nextId = 1;
  #received = '';
  #extranonce2Size = 0;
  #versionMask = 0;
  #work: Work | undefined;
  #timer: NodeJS.Timeout | undefined;
  #slicedAt = 0;

  constructor({ port, user, hashrate, rollsVersion = true, difficulty, trusts, onAnswered }: Sv1MinerOptions) {
    this.#user = user;
    this.#password = difficulty === undefined ? 'x' : `d=${difficulty}`;
    this.#onAnswered = onAnswered;
    this.hashrate = hashrate;
    const address = { host: '127.0.0.1', port, noDelay: true };
    this.#socket = trusts === undefined ? connect(address) : connectTls({ ...address, ...trustOf(trusts) });
    this.#socket.setEncoding('utf8').on('data', (text: unknown) => this.#take(String(text)));
    this.#socket.on('error', () => undefined);
    const closed = new Promise<never>((_, reject) => {
      this.#socket.once('close', () => {
        this.isOpen = false;
        clearInterval(this.#timer);
        reject(new Error(`${user}: the connection ended before it was set up`));
      });
    });
    this.ready = Promise.race([this.#setUp(rollsVersion), closed]);
    // A test that does not wait for it does not care.
    this.ready.catch(() => undefined);
  }

  /** Whether it was given work on this tip. */
  hasTip(prevHash: Uint8Array): boolean {
    return this.jobs.some((job) => Buffer.compare(job.prevHash, prevHash) === 0);
  }

  /** Refused although no other tip had come: nobody's fault but somebody's. */
  get faults(): readonly string[] {
    const tip = this.jobs.at(-1)?.prevHash;
    return this.rejections.filter(({ prevHash }) => prevHash === tip).map(({ reason }) => reason);
  }

  stop(): void {
    this.#socket.destroy();
    clearInterval(this.#timer);
  }

  async #setUp(rollsVersion: boolean): Promise<void> {
    if (rollsVersion) await this.#configure();
    const subscribed = (await this.#ask('mining.subscribe', ['sluice-test/1'])) as [unknown, string, number];
    this.#setExtranonce(subscribed[1], subscribed[2]);
    if ((await this.#ask('mining.authorize', [this.#user, this.#password])) !== true) throw new Error('not authorized');
    this.#slicedAt = performance.now();
    this.#timer = setInterval(() => this.#mine(), SLICE_MS);
  }

  async #configure(): Promise<void> {
    const rolling = { 'version-rolling.mask': ROLLABLE_VERSION_BITS, 'version-rolling.min-bit-count': 2 };
    const configured = (await this.#ask('mining.configure', [['version-rolling'], rolling])) as Record<string, unknown>;
    if (configured['version-rolling'] === true)
      this.#versionMask = Number.parseInt(String(configured['version-rolling.mask']), 16);
  }

  async #ask(method: string, params: readonly unknown[]): Promise<unknown> {
    const { result, error } = await this.#request(method, params);
    if (error !== null && error !== undefined) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return result;
  }

  #request(method: string, params: readonly unknown[]): Promise<{ readonly result: unknown; readonly error: unknown }> {
    const id = this.#nextId++;
    this.#socket.write(`${JSON.stringify({ id, method, params })}\n`);
    return new Promise((resolve) => this.#answers.set(id, resolve));
  }

  #take(text: string): void {
    const lines = (this.#received + text).split('\n');
    this.#received = lines.pop() ?? '';
    for (const line of lines) this.#onLine(JSON.parse(line));
  }

  #onLine(message: { id?: number; method?: string; params?: unknown[]; result?: unknown; error?: unknown }): void {
    const { id, method, params = [] } = message;
    if (method === 'mining.notify') this.#onNotify(params as NotifyParams);
    else if (method === 'mining.set_difficulty') this.difficulties.push(params[0] as number);
    else if (method === 'mining.set_extranonce') this.#setExtranonce(params[0] as string, params[1] as number);
    else if (method !== undefined) throw new Error(`${this.#user}: nobody knows ${method}`);
    else if (id !== undefined) {
      this.#answers.get(id)?.({ result: message.result, error: message.error });
      this.#answers.delete(id);
    }
  }

  #setExtranonce(extranonce1: string, extranonce2Size: number): void {
    this.extranonce1 = Buffer.from(extranonce1, 'hex');
    this.#extranonce2Size = extranonce2Size;
  }

  #onNotify(params: NotifyParams): void {
    const [id, prevHash, coinbase1, coinbase2, merklePath, version, nbits, ntime, clean] = params;
    const difficulty = this.difficulties.at(-1);
    if (difficulty === undefined) throw new Error(`${this.#user}: a job came before any difficulty`);
    const tip = this.jobs.at(-1)?.prevHash;
    // SV1 swaps the bytes of each word.
    const named = Buffer.from(prevHash, 'hex').swap32();
    this.jobs.push({
      ...{ id, clean, target: targetToBytes(targetOfDifficulty(difficulty)), atMs: performance.now() },
      prevHash: tip !== undefined && named.equals(tip) ? tip : named,
      coinbasePrefix: Buffer.from(coinbase1, 'hex'),
      coinbaseSuffix: Buffer.from(coinbase2, 'hex'),
      merklePath: merklePath.map((hash) => Buffer.from(hash, 'hex')),
      ...{
        version: Number.parseInt(version, 16),
        nbits: Number.parseInt(nbits, 16),
        ntime: Number.parseInt(ntime, 16),
      },
    });
    this.#work = undefined;
  }

  #mine(): void {
    const now = performance.now();
    const elapsed = Math.min(now - this.#slicedAt, MAX_DEBT * SLICE_MS);
    this.#slicedAt = now;
    for (let hashes = Math.round((this.hashrate * elapsed) / 1_000); hashes > 0 && this.isOpen; hashes--) {
      const work = this.#currentWork();
      if (work === undefined) return;
      this.#tryNonce(work);
    }
  }

  #currentWork(): Work | undefined {
    const job = this.jobs.at(-1);
    if (job !== undefined && (this.#work === undefined || this.#work.nonce === NONCES_PER_WORK))
      this.#work = this.#newWork(job);
    return this.#work;
  }

  #newWork(job: Sv1Job): Work {
    const extranonce2 = Buffer.from(crypto.getRandomValues(new Uint8Array(this.#extranonce2Size)));
    const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
    const versionBits = random & this.#versionMask;
    const coinbase = Buffer.concat([job.coinbasePrefix, this.extranonce1, extranonce2, job.coinbaseSuffix]);
    const header = new Uint8Array(80);
    const version = (job.version & ~this.#versionMask) | versionBits;
    writeHeader(
      ...([header, version, job.prevHash, foldMerklePath(sha256d.sha256d(coinbase), job.merklePath)] as const),
      ...([job.ntime, job.nbits, 0] as const),
    );
    const networkTarget = targetToBytes(compactToTarget(job.nbits));
    return { job, extranonce2, versionBits, header, networkTarget, nonce: 0 };
  }

  #tryNonce(work: Work): void {
    const nonce = work.nonce++;
    new DataView(work.header.buffer).setUint32(76, nonce, true);
    sha256d.header(work.header, this.#hash);
    if (meetsTarget(this.#hash, work.job.target)) void this.#submit(work, nonce, Uint8Array.from(this.#hash));
  }

  async #submit(
    { job, extranonce2, versionBits, networkTarget }: Work,
    nonce: number,
    hash: Uint8Array,
  ): Promise<void> {
    this.submitted += 1;
    const share = [this.#user, job.id, extranonce2.toString('hex'), hex32(job.ntime), hex32(nonce)];
    const bits = this.#versionMask === 0 ? [] : [hex32(versionBits)];
    const sentAt = performance.now();
    const { result, error } = await this.#request('mining.submit', [...share, ...bits]);
    this.#onAnswered?.(performance.now() - sentAt);
    if (result !== true) {
      this.rejections.push({ reason: JSON.stringify(error), prevHash: job.prevHash });
      return;
    }
    this.accepted += 1;
    this.acceptedOf.set(job.id, (this.acceptedOf.get(job.id) ?? 0) + 1);
    if (meetsTarget(hash, networkTarget)) this.blocks.push(hash);
  }
}

type NotifyParams = [string, string, string, string, string[], string, string, string, boolean];

const trustOf = (trusts: string) => (trusts === 'any' ? { rejectUnauthorized: false } : { ca: trusts });

function hex32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}
