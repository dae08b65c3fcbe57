// One upstream of the list: connected while it is wanted, and tried again after a while when it fails.
import type { Duplex } from 'node:stream';
import { reconnectDelay } from '@sluice/client/reconnect-delay';
import { redirectedServer } from '@sluice/client/redirected-server';
import type { ServerUrl } from '@sluice/client/server-url';
import { formatHostPort } from '@sluice/runtime/config/value-types';
import type { Logger } from '@sluice/runtime/logger';
import { readSecretFile } from '@sluice/runtime/secret-file';
import type { Reconnect } from '@sluice/sv2/messages/common/reconnect';
import { isLasting, UpstreamError, upstreamErrorOf } from './errors.ts';
import { type MinerOfChannel, type SessionListener, type SessionModules, UpstreamSession } from './session.ts';
import { SoloBlocks } from './solo-blocks.ts';
import { SoloSession } from './solo-session.ts';
import type { SoloPayout } from './solo-work.ts';
import { Sv1UpstreamSession } from './sv1-session.ts';
import type { ChannelListener, UpstreamChannel } from './upstream-channel.ts';
import type { UpstreamUrl } from './upstream-url.ts';
import type { UpstreamWork } from './upstream-work.ts';

/** An upstream is tried again at least this often, unless it refuses: the farm may have no other. */
export const LONGEST_RETRY_MS = 10_000;
/** One that fails sooner than this is tried at growing intervals, as one that cannot be reached. */
const HELD_MS = 10_000;

export interface UpstreamOptions {
  readonly url: UpstreamUrl;
  readonly identity: string;
  /** What it knows a miner by that has a channel of its own, of `{account}` and `{worker}`. */
  readonly workerIdentity: string;
  readonly minExtranonceSize: number;
  /** Bits of the version that the farm's miners roll, u32. */
  readonly versionMask: number;
  /** Absent: it is a pool, not a node of the farm's own. */
  readonly payout?: SoloPayout;
}

export interface UpstreamListener {
  /** Its work is there, or another one. */
  onWork(work: UpstreamWork): void;
  onDown(reason: UpstreamError): void;
}

export interface UpstreamModules extends SessionModules {
  connect(host: string, port: number, signal: AbortSignal): Promise<Duplex>;
  /** TLS over a connected stream to a pool of Stratum V1. @throws UpstreamError that says what is wrong. */
  secure(stream: Duplex, host: string): Promise<Duplex>;
  /** Of the farm, hashes a second, positive. */
  hashrate(): number;
  readonly log: Logger;
}

/** Where to, which may be elsewhere than it was set, and by which password of Stratum V1. */
interface Login {
  readonly url: ServerUrl;
  readonly password: string | undefined;
}

type Session = UpstreamSession | Sv1UpstreamSession | SoloSession;

const NO_CHANNELS = { open: 0, opening: 0 } as const;
const NOT_NEEDED = new UpstreamError('upstream-connection-closed', 'it is not needed');

export class Upstream {
  /** For people. */
  readonly name: string;
  /** Why it is not there; `undefined` while it is, or when nobody has wanted it. */
  downReason: UpstreamError | undefined;
  readonly #options: UpstreamOptions;
  readonly #listener: UpstreamListener;
  readonly #modules: UpstreamModules;
  /** Of a node of the farm's own, whichever connection they were found on. */
  readonly #blocks: SoloBlocks | undefined;
  #session: Session | undefined;
  #isWanted = false;
  #failures = 0;
  /** Where a Reconnect has sent us, for the next attempt alone. */
  #redirect: ServerUrl | undefined;
  #retry: NodeJS.Timeout | undefined;
  /** Of the attempt that is under way, and of the connection that came of it. */
  #attempt: AbortController | undefined;

  constructor(options: UpstreamOptions, listener: UpstreamListener, modules: UpstreamModules) {
    this.name = formatHostPort(options.url);
    this.#options = options;
    this.#listener = listener;
    this.#modules = modules;
    if (options.payout !== undefined) this.#blocks = new SoloBlocks(this.name, modules);
  }

  /** `undefined` while it has none to give. */
  get work(): UpstreamWork | undefined {
    return this.#session?.work;
  }

  get sharesInFlight(): number {
    return this.#blocks?.size ?? this.#session?.sharesInFlight ?? 0;
  }

  /** Whether there is a block that its node may not have: it is to be connected until it has. */
  get holdsBlock(): boolean {
    return this.#blocks !== undefined && this.#blocks.size > 0;
  }

  /** A channel for one miner; `undefined` while there is no work, and with a pool of Stratum V1. */
  openChannel(miner: MinerOfChannel, listener: ChannelListener): UpstreamChannel | undefined {
    return this.#session instanceof UpstreamSession ? this.#session.openChannel(miner, listener) : undefined;
  }

  /** Channels of single miners. */
  get minerChannels(): { readonly open: number; readonly opening: number } {
    return this.#session instanceof UpstreamSession ? this.#session.minerChannels : NO_CHANNELS;
  }

  /** Connects, or ends the connection. */
  want(isWanted: boolean): void {
    if (isWanted === this.#isWanted) return;
    this.#isWanted = isWanted;
    if (isWanted) {
      void this.#connect();
      return;
    }
    clearTimeout(this.#retry);
    this.#attempt?.abort();
    this.#attempt = undefined;
    const session = this.#session;
    this.#session = undefined;
    session?.close(NOT_NEEDED);
    this.downReason = undefined;
  }

  /** Called several times a second. */
  tick(hashrate: number): void {
    this.#session?.tick(hashrate);
    this.#blocks?.tick(this.#modules.clock.monotonic());
  }

  async #connect(): Promise<void> {
    const { clock, connect } = this.#modules;
    const attempt = new AbortController();
    this.#attempt = attempt;
    const url = this.#redirect ?? this.#options.url;
    this.#redirect = undefined;
    let session: Session;
    let upSinceMs: number | undefined;
    try {
      // Before there is a connection, which would stay where the file cannot be read.
      const password = this.#sv1Password();
      const stream = await connect(url.host, url.port, attempt.signal);
      session = await this.#open(
        stream,
        { url, password },
        {
          onWork: (work) => {
            if (attempt !== this.#attempt) return;
            upSinceMs ??= clock.monotonic();
            this.downReason = undefined;
            this.#listener.onWork(work);
          },
          onClosed: (reason, reconnect) => {
            if (attempt !== this.#attempt) return;
            this.#session = undefined;
            this.#onEnd(reason, upSinceMs, reconnect);
          },
        },
      );
    } catch (error) {
      if (attempt === this.#attempt) this.#onEnd(upstreamErrorOf(error), undefined, undefined);
      return;
    }
    if (attempt !== this.#attempt) session.close(NOT_NEEDED);
    else if (session.isOpen) this.#session = session;
  }

  /** `undefined`: the upstream speaks Stratum V2. @throws RuntimeError where its file cannot be read. */
  #sv1Password(): string | undefined {
    const { sv1Password, passwordFile } = this.#options.url;
    return passwordFile === undefined ? sv1Password : readSecretFile(passwordFile);
  }

  async #open(stream: Duplex, { url, password }: Login, listener: SessionListener): Promise<Session> {
    const { identity, workerIdentity, minExtranonceSize, versionMask, payout } = this.#options;
    if (payout !== undefined && this.#blocks !== undefined)
      return SoloSession.open(stream, { url, payout, blocks: this.#blocks }, listener, this.#modules);
    const { isTls } = this.#options.url;
    const hashrate = this.#modules.hashrate();
    if (password === undefined)
      return UpstreamSession.open(
        stream,
        { url, identity, workerIdentity, minExtranonceSize, hashrate },
        listener,
        this.#modules,
      );
    const login = { host: url.host, user: identity, password };
    return new Sv1UpstreamSession(
      isTls ? await this.#modules.secure(stream, url.host) : stream,
      { ...login, minExtranonceSize, versionMask, hashrate },
      listener,
      this.#modules,
    );
  }

  #onEnd(reason: UpstreamError, upSinceMs: number | undefined, reconnect: Reconnect | undefined): void {
    const { clock, random } = this.#modules;
    this.#attempt = undefined;
    this.downReason = reason;
    const hasHeld = upSinceMs !== undefined && clock.monotonic() - upSinceMs >= HELD_MS;
    this.#failures = hasHeld ? 1 : this.#failures + 1;
    if (reconnect !== undefined) this.#redirect = redirectedServer(this.#options.url, reconnect);
    const delay = isLasting(reason)
      ? reconnectDelay(this.#failures, random, true)
      : Math.min(LONGEST_RETRY_MS, reconnectDelay(this.#failures, random));
    this.#retry = setTimeout(() => void this.#connect(), delay);
    this.#listener.onDown(reason);
  }
}
