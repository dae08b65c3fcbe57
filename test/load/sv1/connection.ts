// One miner of Stratum V1: the shares out as lines, the answers in. A share's line is put together from texts that are ready, and the answer that
// accepts it is not parsed.
import { equalBytes } from '@sluice/bitcoin/serialize';
import { hexU32 } from '@sluice/sv1/hex';
import { parseMessage, type Request, type Response } from '@sluice/sv1/json-rpc';
import { LineParser } from '@sluice/sv1/line-parser';
import { answeredId, refusalOf } from '@sluice/sv1/pool-answers';
import { readPoolRequest } from '@sluice/sv1/pool-requests';
import { LoadChannel } from '../channel.ts';
import type { Kit } from '../kit.ts';
import { LoadSocket } from '../load-socket.ts';
import { monotonicMs } from '../measure/monotonic.ts';
import type { MinerConnection } from '../miner-connection.ts';
import type { AcceptedAnswers } from './accepted-answers.ts';
import type { LoadJob, Sv1Jobs } from './jobs.ts';
import { LAST_OPENING_ID, Sv1Opening } from './opening.ts';
import type { Sv1LoadWork } from './work.ts';

/** Longer than any line of a share. */
const LINE_ROOM = 1_024;
/** A share of a job that is not the pool's any more. */
const STALE = 21;

type Channel = LoadChannel<Sv1LoadWork>;

/** What the miners of a worker share. */
export interface Sv1Modules {
  readonly answers: AcceptedAnswers;
  readonly jobs: Sv1Jobs;
}

export class Sv1Connection implements MinerConnection {
  readonly slot: number;
  readonly #user: string;
  readonly #kit: Kit;
  readonly #modules: Sv1Modules;
  readonly #socket: LoadSocket;
  #lines = new LineParser();
  #opening: Sv1Opening | undefined;
  #channel: Channel | undefined;
  #rollsVersion = false;
  /** When what is being read was read. */
  #now = 0;
  readonly #onLine = (line: Uint8Array) => this.#take(line);

  constructor(index: number, slot: number, kit: Kit, modules: Sv1Modules) {
    this.slot = slot;
    this.#user = `${kit.plan.identity}.${index}`;
    this.#kit = kit;
    this.#modules = modules;
    this.#socket = new LoadSocket(index, kit);
  }

  get channels(): readonly Channel[] {
    return this.#channel === undefined ? [] : [this.#channel];
  }

  get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  get isCongested(): boolean {
    return this.#socket.isCongested;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  open(): Promise<void> {
    this.#channel = undefined;
    this.#lines = new LineParser();
    const opening = new Sv1Opening(this.#user, this.#kit, {
      send: (line) => this.#send(line),
      subscribed: (work, extranonce1, rollsVersion) => {
        this.#channel = new LoadChannel({ id: 0, groupId: 0, prefix: extranonce1, extranonceSize: 0 }, work);
        this.#rollsVersion = rollsVersion;
      },
      opened: () => {
        this.#opening = undefined;
        this.#socket.opened();
      },
    });
    this.#opening = opening;
    const connected = () => opening.connected();
    return this.#socket.open(connected, (bytes) => this.#read(bytes));
  }

  close(): Promise<void> {
    return this.#socket.close();
  }

  serve(channel: Channel): void {
    if (channel.work.isHard) this.#kit.searches.add(this, channel);
    else this.#submit(channel, channel.owed);
  }

  search(channel: Channel): void {
    this.#submit(channel, 1);
    if (channel.owed > 0 && channel.work.hasJob && this.#kit.sending) this.#kit.searches.add(this, channel);
  }

  #send(line: string): void {
    this.#kit.sent.line('other', line.length);
    this.#socket.write(line);
  }

  #read(bytes: Uint8Array): void {
    this.#now = monotonicMs();
    const fault = this.#lines.push(bytes, this.#onLine);
    if (fault !== undefined) this.#socket.end(fault.code);
    const channel = this.#channel;
    if (channel === undefined || channel.answered === 0) return;
    const count = channel.answered;
    channel.answered = 0;
    this.#kit.onAnswered?.(this, channel, count);
  }

  #take(line: Uint8Array): void {
    const { answers, jobs } = this.#modules;
    const id = answers.idOf(line);
    if (id > LAST_OPENING_ID) {
      this.#onAccepted(line.length, id);
      return;
    }
    const known = jobs.known(line);
    if (known !== undefined) {
      this.#kit.received.line('job', line.length + 1);
      this.#onJob(known);
      return;
    }
    const message = parseMessage(line);
    if (message.kind === 'response') this.#onResponse(message, line);
    else if (message.kind === 'request') this.#onRequest(message, line);
    else this.#socket.end(message.code);
  }

  #onAccepted(length: number, id: number): void {
    const { counts, window, received } = this.#kit;
    const channel = this.#channel;
    const sentAt = channel?.inFlight.answered(id - LAST_OPENING_ID) ?? Number.NaN;
    received.line('answer', length + 1);
    if (channel === undefined || Number.isNaN(sentAt)) {
      counts.miscounted += 1;
      return;
    }
    counts.acknowledged += 1;
    channel.acknowledged += 1;
    channel.answered += 1;
    window.acknowledged(1, this.#now);
    window.answered(sentAt, this.#now);
  }

  #onResponse(answer: Response, line: Uint8Array): void {
    const id = answeredId(answer) ?? 0;
    const opening = this.#opening;
    if (opening !== undefined) {
      this.#kit.received.line('other', line.length + 1);
      const reason = opening.onAnswer(answer);
      if (reason !== undefined) this.#socket.end(reason);
      else this.#mayWork();
      return;
    }
    if (refusalOf(answer) !== undefined) {
      this.#onRefused(answer, id - LAST_OPENING_ID);
      return;
    }
    this.#modules.answers.learn(line, id);
    this.#onAccepted(line.length, id);
  }

  #onRefused(answer: Response, sequence: number): void {
    const { counts, refusedByCode } = this.#kit;
    const channel = this.#channel;
    if (channel === undefined || Number.isNaN(channel.inFlight.answered(sequence))) {
      counts.miscounted += 1;
      return;
    }
    const { code, message } = refusalOf(answer) ?? { code: 0, message: '' };
    const isOvertaken = code === STALE && sequence <= channel.lastBeforeTip;
    const reason = isOvertaken ? 'stale-share' : `${code} ${message}`;
    refusedByCode.set(reason, (refusedByCode.get(reason) ?? 0) + 1);
    counts.refused += 1;
    channel.answered += 1;
    if (isOvertaken) counts.overtaken += 1;
  }

  #onRequest(message: Request, line: Uint8Array): void {
    const request = readPoolRequest(message);
    const work = this.#channel?.work;
    this.#kit.received.line(request.kind === 'notify' ? 'job' : 'other', line.length + 1);
    if (request.kind === 'set-difficulty') work?.setTarget(this.#modules.jobs.target(request.difficulty));
    else if (request.kind === 'notify') this.#onJob(this.#modules.jobs.keep(line, request.job));
  }

  #onJob(job: LoadJob): void {
    const channel = this.#channel;
    if (channel === undefined) return;
    const { work, inFlight } = channel;
    if (work.job === undefined || !equalBytes(job.prevHash, work.job.prevHash)) {
      channel.lastBeforeTip = inFlight.lastSequence;
      this.#kit.onTip?.(this, job.prevHash, this.#now);
    }
    work.onJob(job);
    this.#mayWork();
    if (channel.owed > 0) this.serve(channel);
  }

  #mayWork(): void {
    if (this.#channel?.work.hasJob === true) this.#opening?.working();
  }

  #submit(channel: Channel, most: number): void {
    const kit = this.#kit;
    const { work, inFlight } = channel;
    if (!this.isOpen || !kit.sending) return;
    let at = 0;
    let sent = 0;
    while (sent < most && work.prepare(kit.sha256d)) {
      if (!kit.search.find(work)) {
        kit.searches.add(this, channel);
        break;
      }
      if (at + LINE_ROOM > kit.output.length) {
        this.#socket.writeOutput(at);
        at = 0;
      }
      const length = kit.output.write(this.#lineOf(work, inFlight.send(monotonicMs())), at, 'latin1');
      kit.sent.line('share', length);
      at += length;
      work.taken();
      channel.owed -= 1;
      sent += 1;
    }
    if (sent === 0) return;
    this.#socket.writeOutput(at);
    kit.counts.sent += sent;
    kit.window.sent(sent, monotonicMs());
  }

  #lineOf(work: Sv1LoadWork, sequence: number): string {
    const { jobId, ntimeDigits } = work.job!;
    const nonce = hexU32(this.#kit.search.nonce);
    const bits = this.#rollsVersion ? ',"00000000"' : '';
    return `{"id":${sequence + LAST_OPENING_ID},"method":"mining.submit","params":["${this.#user}","${jobId}","${work.extranonce2Digits}","${ntimeDigits}","${nonce}"${bits}]}\n`;
  }
}
