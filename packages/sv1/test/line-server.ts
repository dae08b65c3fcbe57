// The smallest server that is made of this package alone: no sockets, one job, every share of the right form is good.
import { agreedMask, type ConfigureGrants, configureResultLine } from '../src/configure.ts';
import { MALFORMED, NOT_SUBSCRIBED, NOT_SUPPORTED, UNAUTHORIZED } from '../src/error-codes.ts';
import { parseHexBytes, parseHexU32 } from '../src/hex.ts';
import { NO_ID, parseMessage } from '../src/json-rpc.ts';
import { LineParser } from '../src/line-parser.ts';
import { type MinerRequest, readMinerRequest } from '../src/miner-requests.ts';
import {
  acceptedLine,
  noTransactionsLine,
  pongLine,
  refusedLine,
  subscribeResultLine,
  sv2RefusedLine,
} from '../src/server-lines.ts';
import { readShare } from '../src/submitted-share.ts';
import type { ServerFacts } from './dialects.ts';

export class LineServer {
  readonly #facts: ServerFacts;
  readonly #grants: ConfigureGrants;
  readonly #parser = new LineParser();
  #versionMask = 0;
  #subscribed = false;
  #authorized = false;

  constructor(facts: ServerFacts) {
    this.#facts = facts;
    this.#grants = {
      versionMask: parseHexU32(facts.versionMask)!,
      minimumDifficulty: false,
      subscribeExtranonce: true,
    };
  }

  /** Everything that goes back for these bytes. */
  push(chunk: Uint8Array): string {
    let out = '';
    this.#parser.push(chunk, (line) => {
      const message = parseMessage(line);
      if (message.kind !== 'request') return;
      const hadWork = this.#hasWork;
      const answer = this.#answer(readMinerRequest(message));
      if (message.id !== NO_ID) out += answer;
      if (this.#hasWork && !hadWork) out += `${this.#facts.setDifficulty}\n${this.#facts.notify}\n`;
    });
    return out;
  }

  get #hasWork(): boolean {
    return this.#subscribed && this.#authorized;
  }

  #answer(request: MinerRequest): string {
    const { id } = request;
    switch (request.kind) {
      case 'configure':
        this.#versionMask = agreedMask(request, this.#grants);
        return configureResultLine(request, this.#grants);
      case 'subscribe': {
        const { sessionId, extranonce1, extranonce2Size } = this.#facts;
        this.#subscribed = true;
        return subscribeResultLine(id, sessionId, parseHexBytes(extranonce1)!, Number(extranonce2Size));
      }
      case 'authorize':
        this.#authorized = true;
        return acceptedLine(id);
      case 'submit': {
        if (!this.#subscribed) return refusedLine(id, NOT_SUBSCRIBED);
        if (!this.#authorized) return refusedLine(id, UNAUTHORIZED);
        if (request.jobId !== this.#facts.jobId) return sv2RefusedLine(id, 'invalid-job-id');
        const extranonce2Size = Number(this.#facts.extranonce2Size);
        const share = readShare(request, { extranonce2Size, jobVersion: 0x2000_0000, versionMask: this.#versionMask });
        return typeof share === 'string' ? sv2RefusedLine(id, share) : acceptedLine(id);
      }
      case 'extranonce-subscribe':
      case 'suggest-difficulty':
      case 'suggest-target':
        return acceptedLine(id);
      case 'ping':
        return pongLine(id);
      case 'get-transactions':
        return noTransactionsLine(id);
      case 'pong':
        return '';
      case 'unknown':
        return refusedLine(id, NOT_SUPPORTED);
      case 'malformed':
        return refusedLine(id, MALFORMED);
    }
  }
}
