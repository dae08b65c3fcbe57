// One SV1 miner's connection. Each request has its answer, in order; nothing else is written before mining.subscribe and mining.authorize are
// answered, because cgminer takes whatever comes first for the answer to its mining.configure. What a miner sends wrong is refused, and
// it stays.
import type { Duplex } from 'node:stream';
import { difficultyOfTarget } from '@sluice/bitcoin/target';
import type { ShareTarget } from '@sluice/mining/share-target';
import { PeerSocket, type SocketModules } from '@sluice/server/peer-socket';
import { agreedMask, type Configure, configureResultLine } from '@sluice/sv1/configure';
import {
  MALFORMED,
  NOT_SUBSCRIBED,
  NOT_SUPPORTED,
  type Sv1Error,
  sv1ErrorOf,
  UNAUTHORIZED,
} from '@sluice/sv1/error-codes';
import type { LineFaultCode } from '@sluice/sv1/errors';
import { spokenProtocol } from '@sluice/sv1/first-bytes';
import { NO_ID, parseMessage } from '@sluice/sv1/json-rpc';
import { LineParser } from '@sluice/sv1/line-parser';
import {
  type Authorize,
  type MinerRequest,
  readMinerRequest,
  type Submit,
  type Subscribe,
} from '@sluice/sv1/miner-requests';
import { parsePasswordOptions } from '@sluice/sv1/password-options';
import { acceptedLine, noTransactionsLine, pongLine, refusedLine, subscribeResultLine } from '@sluice/sv1/server-lines';
import type { SubmitReader } from '@sluice/sv1/submit-reader';
import { readShare } from '@sluice/sv1/submitted-share';
import { submittedVersion } from '@sluice/sv1/version-bits';
import type { FarmJob, Miner, MinerListener, MinerPlaces, ShareAnswer } from '../miners/miner.ts';
import { AnswerQueue } from './answer-queue.ts';
import type { Sv1Counters } from './counters.ts';
import type { Sv1CloseReason, Sv1OwnCloseReason } from './errors.ts';
import type { JobLines } from './job-lines.ts';
import type { Sv1Limits } from './limits.ts';
import { SessionWork } from './session-work.ts';

/** Agents are kept for the log and the drain; their text is the miner's. */
const MAX_AGENT_LENGTH = 128;

/** What every session of the process shares. */
export interface SessionModules extends SocketModules<Sv1CloseReason> {
  readonly limits: Sv1Limits;
  readonly counters: Sv1Counters;
  readonly farm: MinerPlaces;
  readonly lines: JobLines;
  readonly submits: SubmitReader;
  /** Bits of the version that may be rolled at most, u32. */
  readonly versionMask: number;
  onClosed(session: Session): void;
}

export class Session extends PeerSocket<Sv1OwnCloseReason> implements MinerListener {
  /** What the miner calls its software; empty when it does not tell. */
  agent = '';
  readonly #modules: SessionModules;
  readonly #answers: AnswerQueue;
  readonly #work: SessionWork;
  readonly #parser = new LineParser();
  readonly #onLine = (line: Uint8Array) => this.#take(line);
  /** Until it is known what the peer speaks. */
  #firstBytes: Buffer | undefined = Buffer.alloc(0);
  /** The place in the farm: from mining.subscribe on. */
  #miner: Miner | undefined;
  /** From mining.authorize on; empty before. */
  #user = '';
  /** A wish for a difficulty; 0: none. The first counts. */
  #suggested = 0;
  #working = false;
  #linesOfChunk = 0;
  #malformedInRow = 0;
  readonly #setupBy: number;
  #heardAt: number;

  constructor(id: number, socket: Duplex, remoteAddress: string, modules: SessionModules) {
    super(id, socket, remoteAddress, modules);
    const now = modules.clock.monotonic();
    this.#modules = modules;
    this.#answers = new AnswerQueue((line) => this.writer.writeText(line));
    this.#work = new SessionWork({ writer: this.writer, lines: modules.lines, counters: modules.counters });
    this.#setupBy = now + modules.limits.setupDeadlineMs;
    this.#heardAt = now;
  }

  /** Requests whose answers have not left. */
  get waitingAnswers(): number {
    return this.#answers.size;
  }

  /** Deadlines, and the last job again. */
  override sweep(nowMs: number): void {
    const { idleMs, keepAliveMs } = this.#modules.limits;
    if (this.ending === undefined) {
      if (!this.#working && nowMs >= this.#setupBy) this.end('setup-timeout');
      else if (nowMs - this.#heardAt >= idleMs) this.end('idle');
      else this.#work.sweep(nowMs, keepAliveMs);
    }
    super.sweep(nowMs);
  }

  onTarget(target: ShareTarget): void {
    this.#work.onTarget(target);
  }

  onJob(job: FarmJob, clean: boolean): void {
    this.#work.onJob(job, clean, this.#modules.clock.monotonic());
  }

  onAnswer(request: string, answer: ShareAnswer): void {
    if (request === NO_ID) return;
    const line = answer === '' ? acceptedLine(request) : this.#refusal(request, 'mining.submit', sv1ErrorOf(answer));
    this.#answers.settle(request, line);
  }

  protected onBytes(chunk: Buffer): void {
    const bytes = this.#asStratum(chunk);
    if (bytes === undefined || this.ending !== undefined) return;
    this.#linesOfChunk = 0;
    const fault = this.#parser.push(bytes, this.#onLine);
    if (this.ending !== undefined) return;
    if (fault !== undefined) {
      this.#modules.counters.lineFaults[fault.code] += 1;
      this.end('line-too-long');
      return;
    }
    this.#startWork();
    if (this.#linesOfChunk === 0) return;
    this.#heardAt = this.#modules.clock.monotonic();
    this.countMessages(this.#linesOfChunk);
  }

  protected onLeft(): void {
    this.#miner?.close();
    this.#modules.onClosed(this);
  }

  /** All bytes so far once they are known for lines of JSON; another protocol ends the connection. */
  #asStratum(chunk: Buffer): Buffer | undefined {
    if (this.#firstBytes === undefined) return chunk;
    this.#firstBytes = Buffer.concat([this.#firstBytes, chunk]);
    const spoken = spokenProtocol(this.#firstBytes);
    if (spoken === undefined) return undefined;
    if (spoken !== 'stratum-v1') {
      this.cut(spoken === 'proxy-header' ? 'proxy-header-untrusted' : `spoke-${spoken}`);
      return undefined;
    }
    const bytes = this.#firstBytes;
    this.#firstBytes = undefined;
    return bytes;
  }

  #take(line: Uint8Array): void {
    if (this.ending !== undefined) return;
    this.#linesOfChunk += 1;
    if (!this.#submitAsRead(line)) this.#takeMessage(line);
    if (this.#answers.size > this.#modules.limits.waitingAnswers) this.end('too-many-waiting');
  }

  #takeMessage(line: Uint8Array): void {
    const message = parseMessage(line);
    if (message.kind === 'fault') {
      this.#onMalformed(message.code);
      return;
    }
    this.#malformedInRow = 0;
    if (message.kind === 'response') {
      this.#modules.counters.requests.response += 1;
      return;
    }
    const request = readMinerRequest(message);
    this.#modules.counters.requests[request.kind] += 1;
    this.#handle(request);
  }

  #onMalformed(code: LineFaultCode): void {
    this.#modules.counters.lineFaults[code] += 1;
    this.#malformedInRow += 1;
    this.#answers.add(NO_ID, this.#refusal(NO_ID, 'line', MALFORMED));
    if (this.#malformedInRow > this.#modules.limits.malformedLines) this.end('malformed-lines', code);
  }

  #handle(request: MinerRequest): void {
    const { id } = request;
    switch (request.kind) {
      case 'submit':
        this.#submit(request);
        break;
      case 'configure':
        this.#configure(request);
        break;
      case 'subscribe':
        this.#subscribe(request);
        break;
      case 'authorize':
        this.#authorize(request);
        break;
      case 'suggest-difficulty':
        this.#suggest(request.difficulty);
        this.#answer(id, acceptedLine(id));
        break;
      case 'suggest-target':
        this.#suggest(difficultyOfTarget(request.target));
        this.#answer(id, acceptedLine(id));
        break;
      case 'extranonce-subscribe':
        // The extranonce never changes, so there is nothing that it would be told.
        this.#answer(id, acceptedLine(id));
        break;
      case 'ping':
        this.#answer(id, pongLine(id));
        break;
      case 'get-transactions':
        this.#answer(id, noTransactionsLine(id));
        break;
      case 'pong':
        break;
      case 'unknown':
        this.#refuse(id, 'unknown method', NOT_SUPPORTED);
        break;
      case 'malformed':
        this.#refuse(id, request.method, MALFORMED);
        break;
    }
  }

  #configure(request: Configure): void {
    const { versionMask } = this.#modules;
    const grants = { versionMask, minimumDifficulty: false, subscribeExtranonce: true };
    const granted = request.versionRolling === undefined ? 0 : this.#work.onConfigured(agreedMask(request, grants));
    this.#answer(request.id, configureResultLine(request, { ...grants, versionMask: granted }));
  }

  #subscribe({ id, agent }: Subscribe): void {
    this.#miner ??= this.#modules.farm.open(this);
    if (this.#miner === undefined) {
      this.#refuse(id, 'mining.subscribe', sv1ErrorOf('channel-capacity-exhausted'));
      this.end('no-place');
      return;
    }
    this.agent = agent.slice(0, MAX_AGENT_LENGTH);
    const { extranonce1, extranonce2Size } = this.#miner;
    const sessionId = this.id.toString(16).padStart(8, '0');
    this.#answer(id, subscribeResultLine(id, sessionId, extranonce1, extranonce2Size));
  }

  #authorize({ id, user, password }: Authorize): void {
    if (user === '') {
      this.#refuse(id, 'mining.authorize', UNAUTHORIZED);
      return;
    }
    const { difficulty, fixedDifficulty } = parsePasswordOptions(password);
    this.#suggest(fixedDifficulty ?? difficulty ?? 0);
    this.#user = user;
    this.#answer(id, acceptedLine(id));
    if (this.#working) this.#miner?.authorize(user);
  }

  /** The first wish counts: some clients repeat theirs to keep the connection alive. */
  #suggest(difficulty: number): void {
    if (this.#suggested !== 0 || difficulty === 0) return;
    this.#suggested = difficulty;
    if (this.#working) this.#miner?.suggestDifficulty(difficulty);
  }

  /** When all lines that came together were read, so that a difficulty which is wished among them counts for the first job. */
  #startWork(): void {
    const miner = this.#miner;
    if (this.#working || miner === undefined || this.#user === '') return;
    this.#working = true;
    this.#modules.log.debug({ connection: this.id, agent: this.agent }, 'miner authorized');
    if (this.#suggested !== 0) miner.suggestDifficulty(this.#suggested);
    miner.authorize(this.#user);
  }

  /** A share as devices write it. False: it is left to the general way, which has an answer to whatever is wrong with it. */
  #submitAsRead(line: Uint8Array): boolean {
    const { submits, lines, counters } = this.#modules;
    const miner = this.#miner;
    if (miner === undefined || this.#user === '' || !submits.read(line)) return false;
    const { extranonce2, versionBits, ntime, nonce } = submits;
    if (extranonce2.length !== miner.extranonce2Size) return false;
    const jobId = lines.jobIdIn(line, submits.jobIdFrom, submits.jobIdTo);
    const version = submittedVersion(miner.versionOf(jobId) ?? versionBits ?? 0, versionBits, this.#work.mask);
    if (version === undefined) return false;
    counters.requests.submit += 1;
    this.#malformedInRow = 0;
    const id = String(submits.id);
    this.#answers.expect(id);
    miner.submit(jobId, extranonce2, ntime, nonce, version, id);
    return true;
  }

  #submit(request: Submit): void {
    const { id, versionBits } = request;
    const miner = this.#miner;
    if (miner === undefined || this.#user === '') {
      this.#refuse(id, 'mining.submit', miner === undefined ? NOT_SUBSCRIBED : UNAUTHORIZED);
      return;
    }
    const idBytes = Buffer.from(request.jobId);
    const jobId = this.#modules.lines.jobIdIn(idBytes, 0, idBytes.length);
    const share = readShare(request, {
      extranonce2Size: miner.extranonce2Size,
      // Of a job that is not known any more any version will do.
      jobVersion: miner.versionOf(jobId) ?? versionBits ?? 0,
      versionMask: this.#work.mask,
    });
    if (typeof share === 'string') {
      this.#modules.counters.sharesRefused[share] += 1;
      miner.refusedForm(share);
      this.#refuse(id, 'mining.submit', sv1ErrorOf(share));
      return;
    }
    if (id !== NO_ID) this.#answers.expect(id);
    miner.submit(jobId, share.extranonce2, share.ntime, share.nonce, share.version, id);
  }

  #answer(id: string, line: string): void {
    if (id !== NO_ID) this.#answers.add(id, line);
  }

  #refuse(id: string, message: string, error: Sv1Error): void {
    if (id !== NO_ID) this.#answers.add(id, this.#refusal(id, message, error));
  }

  #refusal(id: string, message: string, error: Sv1Error): string {
    this.#modules.counters.errorAnswers[error.code]! += 1;
    this.refused(message, error.code);
    return refusedLine(id, error);
  }
}
