// One connection to a pool of Stratum V1, which is to the farm what a channel of Stratum V2 is: mining.configure, mining.subscribe,
// mining.authorize, each after the answer to the one before; then jobs in and shares out. All shares are those of one user.
import type { Duplex } from 'node:stream';
import { targetOfHashes } from '@sluice/mining/vardiff-difficulty';
import type { Clock } from '@sluice/runtime/clock';
import {
  authorizeLine,
  configureLine,
  submitLine,
  subscribeLine,
  suggestDifficultyLine,
} from '@sluice/sv1/client-lines';
import { powerOfTwoDifficulty } from '@sluice/sv1/difficulty';
import { sv2ErrorOf } from '@sluice/sv1/error-codes';
import { NO_ID, parseMessage, type Request, type Response, resultLine } from '@sluice/sv1/json-rpc';
import { LineParser } from '@sluice/sv1/line-parser';
import { answeredId, readConfigured, readSubscription, refusalOf } from '@sluice/sv1/pool-answers';
import { type Extranonce, readPoolRequest, type Reconnect as Sv1Reconnect } from '@sluice/sv1/pool-requests';
import { pongLine } from '@sluice/sv1/server-lines';
import type { Reconnect } from '@sluice/sv2/messages/common/reconnect';
import type { ProxyCounters } from '../counters.ts';
import { UpstreamError } from './errors.ts';
import { FIRST_WORK_MS, type SessionListener } from './session.ts';
import { SharesInFlight } from './shares-in-flight.ts';
import { Sv1Silence } from './sv1-silence.ts';
import { Sv1Work } from './sv1-work.ts';
import type { ShareOwner, UpstreamLink, UpstreamShare, UpstreamWork } from './upstream-work.ts';

/** So long a pool that does not know mining.configure may say nothing to it. */
export const CONFIGURE_MS = 2_000;
/** Bytes that wait for the pool to read them. */
const UNSENT_BOUND = 1_048_576;
const AGENT = 'sluice-proxy';

const requestIds = { configure: 1, subscribe: 2, authorize: 3, suggest: 4 } as const;
/** A share's id is its sequence number behind these. */
const LAST_REQUEST_ID = requestIds.suggest;

export interface Sv1SessionOptions {
  /** As the URL has it. */
  readonly host: string;
  readonly user: string;
  readonly password: string;
  /** Bytes of extranonce2 that the pool must leave to the farm. */
  readonly minExtranonceSize: number;
  /** Bits of the version that the farm's miners roll, u32. */
  readonly versionMask: number;
  /** Hashes a second of the farm, positive. */
  readonly hashrate: number;
}

export interface Sv1SessionModules {
  readonly clock: Clock;
  readonly counters: ProxyCounters;
}

export class Sv1UpstreamSession implements UpstreamLink {
  readonly #stream: Duplex;
  readonly #options: Sv1SessionOptions;
  readonly #listener: SessionListener;
  readonly #clock: Clock;
  readonly #lines = new LineParser();
  readonly #inFlight: SharesInFlight;
  readonly #silence: Sv1Silence;
  readonly #openedMs: number;
  readonly #pool: Sv1Work;
  #isSubscribing = false;
  #isSubscribed = false;
  #isAuthorized = false;
  /** The last work that the listener was told of. */
  #told: UpstreamWork | undefined;
  #isClosed = false;

  /** Sets itself up on a connected stream. */
  constructor(
    stream: Duplex,
    options: Sv1SessionOptions,
    listener: SessionListener,
    { clock, counters }: Sv1SessionModules,
  ) {
    this.#stream = stream;
    this.#options = options;
    this.#listener = listener;
    this.#clock = clock;
    this.#inFlight = new SharesInFlight(counters);
    this.#openedMs = clock.monotonic();
    this.#silence = new Sv1Silence(this.#openedMs);
    this.#pool = new Sv1Work(this, options.versionMask);
    stream.on('data', (chunk: Buffer) => this.#onData(chunk));
    stream.on('error', ({ message }) => this.close(new UpstreamError('upstream-connection-closed', message)));
    stream.once('close', () => this.close(new UpstreamError('upstream-connection-closed', 'the pool has closed it')));
    stream.once('end', () => this.close(new UpstreamError('upstream-connection-closed', 'the pool has closed it')));
    this.#send(configureLine(requestIds.configure, options.versionMask));
  }

  get isOpen(): boolean {
    return !this.#isClosed;
  }

  /** `undefined` before the pool has taken the user and told a job with its difficulty. */
  get work(): UpstreamWork | undefined {
    return this.#isAuthorized ? this.#pool.work : undefined;
  }

  /** Shares that wait for the pool's answer. */
  get sharesInFlight(): number {
    return this.#inFlight.size;
  }

  submit(
    { work, extranonce, ntime, nonce, version }: UpstreamShare,
    owner: ShareOwner | undefined,
    request: string,
  ): void {
    const terms = this.#pool.termsOf(work);
    if (this.#isClosed || terms === undefined) return;
    const now = this.#clock.monotonic();
    const id = LAST_REQUEST_ID + this.#inFlight.add(owner, request, now);
    this.#silence.shareSent(now);
    const share = { extranonce2: extranonce, ntime, nonce, version };
    const mask = work.versionRollingAllowed ? terms.versionMask : 0;
    this.#send(submitLine(id, this.#options.user, terms.jobId, share, mask));
  }

  /** Called several times a second. */
  tick(): void {
    if (this.#isClosed) return;
    const now = this.#clock.monotonic();
    this.#inFlight.answerOverdue(now);
    if (now - this.#openedMs >= CONFIGURE_MS) this.#subscribe();
    if (this.work === undefined && now - this.#openedMs >= FIRST_WORK_MS)
      this.close(new UpstreamError('upstream-silent', `no work within ${FIRST_WORK_MS / 1_000} s`));
    else if (this.#silence.isOver(now)) this.close(new UpstreamError('upstream-silent', 'it says nothing any more'));
  }

  close(reason: UpstreamError): void {
    this.#end(reason, undefined);
  }

  #end(reason: UpstreamError, reconnect: Reconnect | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stream.destroy();
    this.#inFlight.lose();
    this.#listener.onClosed(reason, reconnect);
  }

  #send(line: string): void {
    if (this.#isClosed) return;
    this.#stream.write(line);
    if (this.#stream.writableLength > UNSENT_BOUND)
      this.close(new UpstreamError('upstream-silent', 'it does not read what it is sent'));
  }

  #onData(chunk: Buffer): void {
    this.#silence.received(this.#clock.monotonic());
    const fault = this.#lines.push(chunk, (line) => this.#onLine(line));
    if (fault !== undefined) this.#fault(fault.code);
  }

  #onLine(line: Uint8Array): void {
    if (this.#isClosed) return;
    const message = parseMessage(line);
    if (message.kind === 'fault') this.#fault(message.code);
    else if (message.kind === 'request') this.#onRequest(message);
    else this.#onAnswer(message);
  }

  #fault(detail: string): void {
    this.close(new UpstreamError('upstream-fault', detail));
  }

  #onAnswer(answer: Response): void {
    const id = answeredId(answer);
    switch (id) {
      case undefined:
      case requestIds.suggest:
        return;
      case requestIds.configure:
        this.#pool.setVersionMask(readConfigured(answer).versionMask);
        this.#subscribe();
        break;
      case requestIds.subscribe:
        this.#onSubscribed(answer);
        break;
      case requestIds.authorize:
        this.#onAuthorized(answer);
        break;
      default:
        this.#onShareAnswer(id - LAST_REQUEST_ID, answer);
        return;
    }
    this.#tellWork();
  }

  #subscribe(): void {
    if (this.#isSubscribing) return;
    this.#isSubscribing = true;
    this.#send(subscribeLine(requestIds.subscribe, AGENT));
  }

  #onSubscribed(answer: Response): void {
    if (this.#isSubscribed) return;
    const subscription = readSubscription(answer);
    if (subscription === undefined) {
      const detail = refusalOf(answer)?.message ?? 'its answer to mining.subscribe has no extranonce';
      this.close(new UpstreamError('upstream-setup-refused', detail));
    } else if (this.#isEnough(subscription)) {
      this.#isSubscribed = true;
      this.#pool.setExtranonce(subscription);
      const { user, password } = this.#options;
      this.#send(authorizeLine(requestIds.authorize, user, password));
    }
  }

  /** Ends the connection where it is not. */
  #isEnough({ extranonce2Size }: Extranonce): boolean {
    const { minExtranonceSize } = this.#options;
    if (extranonce2Size >= minExtranonceSize) return true;
    const detail = `${extranonce2Size} bytes of extranonce2, where ${minExtranonceSize} are needed`;
    this.close(new UpstreamError('upstream-extranonce-too-small', detail));
    return false;
  }

  #onAuthorized(answer: Response): void {
    const refusal = refusalOf(answer);
    if (this.#isAuthorized || !this.#isSubscribed) return;
    if (refusal !== undefined) {
      this.close(new UpstreamError('upstream-channel-refused', refusal.message));
      return;
    }
    this.#isAuthorized = true;
    // A share a second of the whole farm: else it floods the pool until its difficulty has followed.
    const difficulty = powerOfTwoDifficulty(targetOfHashes(this.#options.hashrate));
    this.#send(suggestDifficultyLine(requestIds.suggest, difficulty));
  }

  #onShareAnswer(sequence: number, answer: Response): void {
    const refusal = refusalOf(answer);
    if (refusal === undefined) this.#inFlight.acceptedOne(sequence);
    else this.#inFlight.refused(sequence, sv2ErrorOf(refusal));
  }

  #onRequest(message: Request): void {
    const request = readPoolRequest(message);
    switch (request.kind) {
      case 'set-version-mask':
        this.#pool.setVersionMask(request.mask);
        break;
      case 'set-difficulty':
        this.#pool.setDifficulty(request.difficulty);
        break;
      case 'set-extranonce':
        if (this.#isEnough(request)) this.#pool.setExtranonce(request);
        break;
      case 'notify': {
        const fault = this.#pool.setJob(request.job);
        if (fault !== undefined) this.#fault(`mining.notify: ${fault}`);
        break;
      }
      case 'reconnect':
        this.#onReconnect(request);
        break;
      case 'get-version':
        this.#send(resultLine(request.id, AGENT));
        break;
      case 'ping':
        if (request.id !== NO_ID) this.#send(pongLine(request.id));
        break;
      case 'malformed':
        this.#fault(`${request.method} cannot be read`);
        break;
      case 'show-message':
      case 'unknown':
    }
    this.#tellWork();
  }

  /** Nobody vouches for a pool of Stratum V1, so only another port of the same host is followed. */
  #onReconnect({ host, port }: Sv1Reconnect): void {
    const isSameHost = host === undefined || host === this.#options.host;
    const where = isSameHost && port !== undefined ? { newHost: '', newPort: port } : undefined;
    this.#end(new UpstreamError('upstream-reconnect', 'the pool asks to connect again'), where);
  }

  #tellWork(): void {
    const { work } = this;
    if (this.#isClosed || work === undefined || work === this.#told) return;
    this.#told = work;
    this.#listener.onWork(work);
  }
}
