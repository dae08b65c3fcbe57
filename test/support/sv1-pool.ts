// A pool of Stratum V1 for tests: it hands out jobs on tips of its own and checks every share as pools do, by the header that it stands for.
// A test has it misbehave.
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { wasmSha256d as sha256d } from '@sluice/bitcoin/sha256d-wasm';
import { meetsTarget, targetOfDifficulty, targetToBytes } from '@sluice/bitcoin/target';
import { agreedMask, configureResultLine } from '@sluice/sv1/configure';
import { NOT_SUPPORTED } from '@sluice/sv1/error-codes';
import type { Sv1Job, Sv1Work } from '@sluice/sv1/job';
import { parseMessage } from '@sluice/sv1/json-rpc';
import { LineParser } from '@sluice/sv1/line-parser';
import { type MinerRequest, readMinerRequest, type Submit } from '@sluice/sv1/miner-requests';
import { NotifyTemplate } from '@sluice/sv1/notify-template';
import {
  acceptedLine,
  reconnectLine,
  refusedLine,
  setDifficultyLine,
  subscribeResultLine,
  sv2RefusedLine,
} from '@sluice/sv1/server-lines';
import { shareHeader } from '@sluice/sv1/share-header';
import { readShare } from '@sluice/sv1/submitted-share';
import { BIP320_MASK } from '@sluice/sv1/version-bits';

/** A block takes 2^32 hashes: none is found here. */
const HARD_NBITS = 0x1d00_ffff;
/** Header times that are taken after that of the job, as ckpool has it. */
const NTIME_WINDOW = 7_000;

export interface Sv1PoolOptions {
  readonly difficulty: number;
  /** Default: 8. */
  readonly extranonce2Size?: number;
  /** Default: any. */
  readonly isKnown?: (user: string) => boolean;
  /** Default: no TLS. */
  readonly tls?: TlsOptions;
}

interface Client {
  readonly socket: Socket;
  readonly extranonce1: Uint8Array;
  versionMask: number;
  isAuthorized: boolean;
}

export class Sv1Pool {
  readonly port: number;
  /** By user. */
  readonly accepted = new Map<string, number>();
  /** Codes of SV2, in order. */
  readonly refused: string[] = [];
  /** Takes what is sent and says nothing at all. */
  isSilent = false;
  readonly #options: Sv1PoolOptions;
  readonly #server: Server;
  readonly #clients = new Set<Client>();
  /** Of this tip, by id. */
  readonly #jobs = new Map<string, Sv1Job>();
  /** Header hashes of this tip. */
  readonly #found = new Set<string>();
  #jobCount = 0;
  #clientCount = 0;

  private constructor(server: Server, options: Sv1PoolOptions) {
    const address = server.address();
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
    this.#server = server;
    this.#options = options;
    server.on(options.tls === undefined ? 'connection' : 'secureConnection', (socket) => this.#serve(socket));
    // Clients that trust it not.
    server.on('tlsClientError', () => undefined);
    this.newTip();
  }

  static async start(options: Sv1PoolOptions): Promise<Sv1Pool> {
    const server = (options.tls === undefined ? createServer() : createTlsServer(options.tls)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Sv1Pool(server, options);
  }

  /** As a setting. */
  urlFor(user: string, host = '127.0.0.1'): string {
    return `stratum+${this.#options.tls === undefined ? 'tcp' : 'ssl'}://${user}:x@${host}:${this.port}`;
  }

  get connections(): number {
    return this.#clients.size;
  }

  /** Hash of the newest tip, 32 bytes in wire order. */
  get tip(): Uint8Array {
    return this.#newestJob().prevHash;
  }

  /** Another block: all earlier jobs are void. */
  newTip(): void {
    this.#forgetTip();
    this.#newJob(randomHash(), true);
  }

  /** Other transactions on the same tip. */
  newTransactions(): void {
    this.#newJob(this.tip, false);
  }

  /** client.reconnect to all; the connections stay. */
  reconnect(place: { readonly host: string; readonly port: number }): void {
    for (const { socket } of this.#clients) socket.write(reconnectLine(0, place));
  }

  async stop(): Promise<void> {
    for (const { socket } of this.#clients) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** A job that is not of its own making; its coinbase has room for twelve bytes of extranonce. @param ntime Unix seconds. */
  giveJob(work: Sv1Work, ntime: number, cleanJobs: boolean): void {
    if (cleanJobs) this.#forgetTip();
    this.#addJob(work, ntime, cleanJobs);
  }

  #newJob(prevHash: Uint8Array, cleanJobs: boolean): void {
    const work = {
      ...{ prevHash, version: 0x2000_0000, nbits: HARD_NBITS },
      ...coinbaseAround(4 + this.#extranonce2Size),
      merklePath: [randomHash(), randomHash(), randomHash()],
    };
    this.#addJob(work, Math.floor(Date.now() / 1_000), cleanJobs);
  }

  #addJob(work: Sv1Work, ntime: number, cleanJobs: boolean): void {
    this.#jobCount += 1;
    const jobId = `j${this.#jobCount.toString(16)}`;
    this.#jobs.set(jobId, { jobId, ...work, ntime, cleanJobs });
    for (const client of this.#clients) if (client.isAuthorized) this.#notify(client, cleanJobs);
  }

  #forgetTip(): void {
    this.#jobs.clear();
    this.#found.clear();
  }

  get #extranonce2Size(): number {
    return this.#options.extranonce2Size ?? 8;
  }

  #newestJob(): Sv1Job {
    const job = [...this.#jobs.values()].at(-1);
    if (job === undefined) throw new Error('the pool has no job');
    return job;
  }

  #notify({ socket }: Client, cleanJobs: boolean): void {
    const job = this.#newestJob();
    if (!this.isSilent) socket.write(new NotifyTemplate(job).line(job.jobId, job.ntime, cleanJobs));
  }

  #serve(socket: Socket): void {
    this.#clientCount += 1;
    const extranonce1 = Buffer.alloc(4);
    extranonce1.writeUInt32BE(0xe100_0000 + this.#clientCount);
    const client: Client = { socket, extranonce1, versionMask: 0, isAuthorized: false };
    const lines = new LineParser();
    this.#clients.add(client);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#clients.delete(client));
    socket.on('data', (chunk) => {
      const fault = lines.push(chunk, (line) => {
        const message = parseMessage(line);
        if (message.kind !== 'request') throw new Error(`the pool was sent a ${message.kind}`);
        const answer = this.#answer(client, readMinerRequest(message));
        if (!this.isSilent) socket.write(answer);
        if (message.method === 'mining.authorize' && client.isAuthorized) this.#begin(client);
      });
      if (fault !== undefined) throw new Error(fault.code);
    });
  }

  #begin(client: Client): void {
    if (!this.isSilent) client.socket.write(setDifficultyLine(this.#options.difficulty));
    this.#notify(client, true);
  }

  #answer(client: Client, request: MinerRequest): string {
    switch (request.kind) {
      case 'configure': {
        const grants = { versionMask: BIP320_MASK, minimumDifficulty: false, subscribeExtranonce: false };
        client.versionMask = agreedMask(request, grants);
        return configureResultLine(request, grants);
      }
      case 'subscribe':
        return subscribeResultLine(request.id, 'session', client.extranonce1, this.#extranonce2Size);
      case 'authorize':
        client.isAuthorized = this.#options.isKnown?.(request.user) ?? true;
        return client.isAuthorized ? acceptedLine(request.id) : sv2RefusedLine(request.id, 'unknown-user');
      case 'submit': {
        const code = this.#judge(client, request);
        if (code === '') this.accepted.set(request.user, (this.accepted.get(request.user) ?? 0) + 1);
        else this.refused.push(code);
        return code === '' ? acceptedLine(request.id) : sv2RefusedLine(request.id, code);
      }
      default:
        return refusedLine(request.id, NOT_SUPPORTED);
    }
  }

  /** A code of SV2, or '' for a good share. */
  #judge({ isAuthorized, extranonce1, versionMask }: Client, submit: Submit): string {
    if (!isAuthorized) return 'invalid-channel-id';
    const job = this.#jobs.get(submit.jobId);
    if (job === undefined) return 'stale-share';
    const terms = { extranonce2Size: this.#extranonce2Size, jobVersion: job.version, versionMask };
    const share = readShare(submit, terms);
    if (typeof share === 'string') return share;
    if (share.ntime < job.ntime || share.ntime > job.ntime + NTIME_WINDOW) return 'invalid-share';
    const hash = sha256d.sha256d(shareHeader(job, extranonce1, share));
    if (!meetsTarget(hash, targetToBytes(targetOfDifficulty(this.#options.difficulty)))) return 'difficulty-too-low';
    const name = Buffer.from(hash).toString('hex');
    if (this.#found.has(name)) return 'duplicate-share';
    this.#found.add(name);
    return '';
  }
}

/** A coinbase with one output, without witness; the extranonce of this many bytes is the end of its input's script. */
function coinbaseAround(extranonceSize: number): Pick<Sv1Job, 'coinbasePrefix' | 'coinbaseSuffix'> {
  const height = Buffer.from('03a0860100', 'hex');
  const scriptSize = Buffer.from([height.length + extranonceSize]);
  const input = Buffer.concat([Buffer.alloc(32), Buffer.from('ffffffff', 'hex'), scriptSize, height]);
  const output = Buffer.concat([
    Buffer.from('00f2052a01000000', 'hex'),
    Buffer.from('160014', 'hex'),
    Buffer.alloc(20, 7),
  ]);
  return {
    coinbasePrefix: Buffer.concat([Buffer.from('0200000001', 'hex'), input]),
    coinbaseSuffix: Buffer.concat([Buffer.from('ffffffff01', 'hex'), output, Buffer.alloc(4)]),
  };
}

function randomHash(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(32));
}
