// The miner: keeps a connection to its pool, opens channels, hashes what they ask for, submits, and comes back after whatever
// ends the connection.
import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sha256dBackend } from '@sluice/bitcoin/sha256d';
import { compactToTarget, meetsTarget, targetToBytes } from '@sluice/bitcoin/target';
import { reconnectDelay } from '@sluice/client/reconnect-delay';
import { redirectedServer } from '@sluice/client/redirected-server';
import type { ServerUrl } from '@sluice/client/server-url';
import type { AeadBackend } from '@sluice/noise/aead';
import type { EcBackend, RandomBytes } from '@sluice/noise/ec';
import type { Clock } from '@sluice/runtime/clock';
import { codeOf, messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import { miningClientFlags } from '@sluice/sv2/flags';
import type { ChannelKind, ClientChannel } from './channel.ts';
import { MinerClient } from './client.ts';
import { MinerError } from './errors.ts';
import type { HashEngine } from './hashing/hash-engine.ts';
import { MiningLoop } from './mining-loop.ts';
import { refusalAdvice, refusalSentence } from './refusals.ts';
import type { HeaderRange, SearchSpace } from './search-space.ts';
import { MinerStatistics, type Statistics } from './statistics.ts';
import { WorkSource } from './work-source.ts';

export interface MinerOptions {
  readonly pool: ServerUrl;
  readonly identity: string;
  readonly kind: ChannelKind;
  /** Channels on the connection; each gets its turn. */
  readonly channels: number;
  /** Takes standard jobs only, and so no group. */
  readonly standardJobsOnly?: boolean;
  /** Rolls version bits where the job allows it; default true. */
  readonly versionRolling?: boolean;
  /** Hashes per second at most, of all engines together. */
  readonly hashrate?: number;
  /** Share of the time to hash in, above 0 to 1. */
  readonly duty?: number;
  /** Ends when a connection has ended, instead of coming again; a Reconnect is followed. */
  readonly once?: boolean;
}

export interface MinerModules {
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: RandomBytes;
  readonly ec: EcBackend;
  readonly aead: AeadBackend;
  readonly sha256d: Sha256dBackend;
  /** At least one; the miner closes them at its end. */
  readonly engines: readonly HashEngine[];
  /** The signal ends an attempt that nobody waits for any more. */
  readonly connect: (host: string, port: number, signal: AbortSignal) => Promise<Duplex>;
}

export interface MinerEvents {
  connected: [pool: ServerUrl];
  channel: [channel: ClientChannel];
  work: [channel: ClientChannel];
  target: [channel: ClientChannel];
  submitted: [share: { channelId: number; sequenceNumber: number; jobId: number; block: boolean }];
  accepted: [answer: { channelId: number; lastSequenceNumber: number; count: number }];
  rejected: [answer: { channelId: number; sequenceNumber: number; code: string }];
  disconnected: [reason: { code: string; message: string }];
}

/** Hashes by which the rate is measured at the start. */
const CALIBRATION_HASHES = 2 ** 17;

export class Miner extends EventEmitter<MinerEvents> {
  readonly #options: MinerOptions;
  readonly #modules: MinerModules;
  readonly #source = new WorkSource();
  readonly #loops: readonly MiningLoop[];
  readonly #statistics: MinerStatistics;
  readonly #stopping = new AbortController();
  readonly #hash = new Uint8Array(32);
  #stream: Duplex | undefined;
  #client: MinerClient | undefined;
  #running: Promise<void> | undefined;
  #nominalHashrate = 0;
  /** The refusal that was told last: one that lasts is told once. */
  #toldRefusal = '';

  constructor(options: MinerOptions, modules: MinerModules) {
    super();
    this.#options = options;
    this.#modules = modules;
    this.#statistics = new MinerStatistics(modules.clock.monotonic());
    const { hashrate, duty } = options;
    const limits = {
      ...(hashrate === undefined ? {} : { hashrate: hashrate / modules.engines.length }),
      ...(duty === undefined ? {} : { duty }),
    };
    this.#loops = modules.engines.map(
      (engine) =>
        new MiningLoop(limits, {
          engine,
          source: this.#source,
          now: () => modules.clock.now(),
          onHashes: (count) => {
            this.#statistics.hashes += count;
          },
          onShare: (space, range, nonce) => this.#submit(space, range, nonce),
          onError: (error) => modules.log.error({ reason: messageOf(error) }, 'hashing has stopped'),
        }),
    );
  }

  get statistics(): Statistics {
    return this.#statistics;
  }

  get connected(): boolean {
    return this.#client !== undefined;
  }

  /** Resolves when no connection follows; after `start`. */
  get ended(): Promise<void> {
    return this.#running ?? Promise.resolve();
  }

  /** Hashes per second since the last call. */
  hashrate(): number {
    return this.#statistics.rate(this.#modules.clock.monotonic());
  }

  /** Measures the own speed and begins to connect; resolves without waiting for the pool. */
  async start(): Promise<void> {
    this.#nominalHashrate = await this.#measure();
    for (const loop of this.#loops) loop.start();
    this.#running = this.#stayConnected();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    if (this.#client === undefined) this.#stream?.destroy();
    else this.#client.close('the miner stops');
    await this.#running;
    await Promise.all(this.#loops.map((loop) => loop.stop()));
    await Promise.all(this.#modules.engines.map((engine) => engine.close()));
  }

  async #measure(): Promise<number> {
    const { engines } = this.#modules;
    const { hashrate = Number.POSITIVE_INFINITY, duty = 1 } = this.#options;
    const range = { header: new Uint8Array(80), target: new Uint8Array(32), first: 0, count: CALIBRATION_HASHES };
    const results = await Promise.all(engines.map((engine) => engine.search(range)));
    const perMs = results.reduce((sum, { milliseconds }) => sum + CALIBRATION_HASHES / milliseconds, 0);
    return Math.min(perMs * 1000 * duty, hashrate);
  }

  async #stayConnected(): Promise<void> {
    const { signal } = this.#stopping;
    let failures = 0;
    let pool = this.#options.pool;
    while (!signal.aborted) {
      const ended = await this.#mineAt(pool);
      if (signal.aborted) return;
      this.emit('disconnected', { code: codeOf(ended.reason) ?? 'unknown', message: messageOf(ended.reason) });
      failures = ended.worked ? 0 : failures + 1;
      const toDo = refusalAdvice(ended.reason);
      const last = this.#options.once === true && ended.redirect === undefined;
      const next = ended.redirect ?? this.#options.pool;
      // A redirection is followed at once, unless the last connection did not work.
      const atOnce = last || (ended.redirect !== undefined && ended.worked);
      const delay = atOnce ? 0 : reconnectDelay(failures, this.#modules.random, toDo !== undefined);
      if (toDo === undefined) this.#logEnd(ended.reason, next, last ? undefined : delay);
      else this.#logRefusal(ended.reason, pool, toDo);
      if (last) return;
      pool = next;
      await sleep(delay, undefined, { signal }).catch(() => undefined);
    }
  }

  #logEnd(reason: unknown, { host, port }: ServerUrl, retryMs: number | undefined): void {
    this.#toldRefusal = '';
    const facts = { code: codeOf(reason), reason: messageOf(reason), retryMs, host, port };
    this.#modules.log[retryMs === undefined ? 'warn' : 'info'](facts, 'not connected');
  }

  #logRefusal(reason: unknown, pool: ServerUrl, toDo: string): void {
    const sentence = refusalSentence(reason, pool, toDo);
    this.#modules.log[sentence === this.#toldRefusal ? 'debug' : 'warn'](sentence);
    this.#toldRefusal = sentence;
  }

  /** One connection from its start to its end, whatever that is. */
  async #mineAt(pool: ServerUrl): Promise<{ reason: unknown; worked: boolean; redirect?: ServerUrl }> {
    let redirect: ServerUrl | undefined;
    let worked = false;
    try {
      const client = await this.#connect(pool);
      const closed = new Promise<MinerError>((resolve) => {
        if (client.closed !== undefined) resolve(client.closed);
        client.once('closed', resolve);
      });
      client.on('accepted', () => {
        worked = true;
      });
      client.on('reconnect', (where) => {
        redirect = redirectedServer(pool, where);
        client.close('the pool asks to reconnect');
      });
      await this.#openChannels(client);
      const reason = await closed;
      return { reason, worked: worked || redirect !== undefined, ...(redirect === undefined ? {} : { redirect }) };
    } catch (reason) {
      this.#client?.close(messageOf(reason));
      return { reason, worked };
    } finally {
      this.#client = undefined;
      this.#stream = undefined;
      this.#source.clear();
    }
  }

  async #connect(pool: ServerUrl): Promise<MinerClient> {
    const { clock, log, connect } = this.#modules;
    const stream = await connect(pool.host, pool.port, this.#stopping.signal);
    this.#stream = stream;
    const flags = this.#options.standardJobsOnly === true ? miningClientFlags.REQUIRES_STANDARD_JOBS : 0;
    const client = await MinerClient.connect(stream, { ...pool, flags }, { ...this.#modules, now: () => clock.now() });
    this.#client = client;
    if (this.#stopping.signal.aborted) client.close('the miner stops');
    this.#statistics.connections += 1;
    log.info({ host: pool.host, port: pool.port }, 'connected');
    this.emit('connected', pool);
    this.#follow(client);
    return client;
  }

  #follow(client: MinerClient): void {
    client.on('channel', (channel) => this.emit('channel', channel));
    client.on('work', (channel) => {
      this.#takeWork(client, channel);
      this.emit('work', channel);
    });
    client.on('target', (channel) => this.emit('target', channel));
    client.on('channelClosed', (channel, reason) => {
      this.#takeWork(client, channel);
      this.#modules.log.warn({ channel: channel.id, reason }, 'the pool closed a channel');
      if (client.channels.size === 0) client.close(`the pool closed the last channel: ${reason}`);
    });
    client.on('accepted', ({ channelId, lastSequenceNumber, newSubmitsAcceptedCount: count }) => {
      this.#statistics.accepted += count;
      this.emit('accepted', { channelId, lastSequenceNumber, count });
    });
    client.on('rejected', ({ channelId, sequenceNumber, errorCode: code }) => {
      this.#statistics.reject(code);
      this.emit('rejected', { channelId, sequenceNumber, code });
    });
  }

  async #openChannels(client: MinerClient): Promise<void> {
    const { identity, kind, channels } = this.#options;
    if (kind === 'standard' && client.extendedChannelsOnly) {
      throw new MinerError('miner-setup-refused', 'the pool opens extended channels only');
    }
    const request = { identity, nominalHashrate: this.#nominalHashrate / channels };
    for (let opened = 0; opened < channels; opened++) {
      const channel = await (kind === 'standard'
        ? client.openStandardChannel(request)
        : client.openExtendedChannel(request));
      this.#takeWork(client, channel);
    }
  }

  #takeWork(client: MinerClient, channel: ClientChannel): void {
    const { sha256d, random } = this.#modules;
    const versionRolling = this.#options.versionRolling !== false && client.versionRollingAllowed;
    const start = Buffer.from(random(4)).readUInt32LE();
    this.#source.update(channel, { sha256d, versionRolling, start });
  }

  #submit({ work }: SearchSpace, { header, version, ntime, extranonce }: HeaderRange, nonce: number): void {
    const client = this.#client;
    if (client === undefined || client.closed !== undefined) return;
    const sequenceNumber = client.submit({ work, nonce, ntime, version, extranonce });
    new DataView(header.buffer).setUint32(76, nonce, true);
    this.#modules.sha256d.header(header, this.#hash);
    const block = meetsTarget(this.#hash, targetToBytes(compactToTarget(work.tip.nbits)));
    this.#statistics.submitted += 1;
    if (block) this.#statistics.blocks += 1;
    this.emit('submitted', { channelId: work.channel.id, sequenceNumber, jobId: work.job.jobId, block });
  }
}

/** Opens nothing before `start`. */
export function createMiner(options: MinerOptions, modules: MinerModules): Miner {
  return new Miner(options, modules);
}
