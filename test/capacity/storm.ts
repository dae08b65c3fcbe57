// The loss of a zone: its miners come back to the gateways that are left. docs/flows/connection.md, with the limits of docs/operations/limits.md.
import { seededRandom } from '../../packages/mining/simulation/random.ts';
import { assumptions, seconds } from './assumptions.ts';
import { Simulation } from './simulation.ts';
import { Station } from './station.ts';

/** One of so many gateways is simulated, with its miners; a channel-manager takes so many times longer for each question. */
const SCALE = 8;
const BURST_SECONDS = 10;
const HANDSHAKE = seconds(assumptions.handshake);
const REST_OF_OPEN = seconds(assumptions.gatewayOpen) - HANDSHAKE;
const MANAGER = seconds(assumptions.managerOpen) * SCALE;
const CHANNELS_OF_A_QUESTION = assumptions.channelsOfAQuestion.value;
const TURN = seconds(assumptions.questionTurn);
const FIRST_ATTEMPT = seconds(assumptions.openAttempt);
const PAUSE = seconds(assumptions.openPause);
const QUESTIONS = assumptions.questionsOut.value;
const OPEN_DEADLINE = seconds(assumptions.openDeadline);
const MINER_LINK = seconds(assumptions.minerLink);
const HANDSHAKES_OF_A_TURN = assumptions.handshakesOfATurn.value;

export interface StormOptions {
  /** Gateways that are left, and what their shares take of the core of each. */
  readonly gateways: number;
  readonly busyWithShares: number;
  /** Miners that come back. */
  readonly miners: number;
  readonly channelManagers: number;
  readonly connectionRate: number;
  /** Seconds from the loss until a miner knows of it. */
  readonly noticedAfter: readonly [least: number, most: number];
  /** `backoff`: the rule of our clients. Else: always after so many seconds, all of them alike. */
  readonly comesAgain: 'backoff' | number;
  readonly seconds: number;
  readonly seed: number;
}

export interface StormResult {
  /** Part of the miners with work again at the end of each second. */
  readonly mining: readonly number[];
  /** Seconds from the loss until so large a part of them is mining again; Infinity: not within the time looked at. */
  after(part: number): number;
  /** Of each miner: connections that it tried, and those that ended at the rate of connections or at channel-manager's deadline. */
  readonly connectionsAMiner: number;
  readonly refusedByRate: number;
  readonly opensTooLate: number;
  /** Most of a second that a gateway's core is busy, the mean over all gateways, and that a channel-manager's is. */
  readonly gatewayPeak: number;
  readonly managerPeak: number;
  /** Longest wait of anything that a gateway reads, a share among it, in seconds. */
  readonly longestWait: number;
  /** Times that channel-manager was asked about a channel, for each that was opened. */
  readonly questionsAnOpen: number;
}

export function simulateStorm(options: StormOptions): StormResult {
  return new Storm(options).run();
}

interface ModelGateway {
  readonly core: Station;
  /** Connections whose handshake waits for a turn. */
  readonly handshakes: Handshake[];
  /** Handshakes of the present turn that are not over. */
  shaking: number;
  tokens: number;
  filledAt: number;
  /** Channels that are in no question yet: how often each miner has failed before. */
  readonly wanted: number[];
  /** The next question waits for this one, and no longer than a turn; none: it waits for nothing but room among those that are out. */
  turn: Question | undefined;
  /** Questions without an answer. */
  out: number;
}

class Storm {
  readonly #options: StormOptions;
  readonly #simulation = new Simulation();
  readonly #random: () => number;
  readonly #gateways: readonly ModelGateway[];
  readonly #managers: Station;
  /** Shares keep their part of a core: what is left does the rest so much more slowly. */
  readonly #slower: number;
  readonly #miningAt: number[] = [];
  readonly #counts = { tried: 0, refused: 0, opens: 0, questions: 0 };

  constructor(options: StormOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#slower = 1 / (1 - options.busyWithShares);
    this.#managers = new Station(this.#simulation, options.channelManagers);
    this.#gateways = Array.from({ length: Math.ceil(options.gateways / SCALE) }, () => ({
      core: new Station(this.#simulation),
      handshakes: [],
      shaking: 0,
      tokens: options.connectionRate * BURST_SECONDS,
      filledAt: 0,
      wanted: [],
      turn: undefined,
      out: 0,
    }));
  }

  run(): StormResult {
    const { noticedAfter, seconds: length, channelManagers, gateways } = this.#options;
    const [least, most] = noticedAfter;
    const miners = Math.round((this.#options.miners / gateways) * this.#gateways.length);
    for (let miner = 0; miner < miners; miner++) this.#comeAgain(0, least + (most - least) * this.#random());
    this.#simulation.runUntil(length);
    const cores = this.#gateways.map(({ core }) => core);
    const sorted = this.#miningAt.toSorted((a, b) => a - b);
    const { tried, refused, opens, questions } = this.#counts;
    return {
      mining: Array.from({ length: length + 1 }, (_, second) => countUpTo(sorted, second) / miners),
      after: (part) => sorted[Math.ceil(part * miners) - 1] ?? Number.POSITIVE_INFINITY,
      connectionsAMiner: tried / miners,
      refusedByRate: refused / miners,
      opensTooLate: opens / miners,
      gatewayPeak: this.#options.busyWithShares + peakOf(cores, cores.length) / this.#slower,
      managerPeak: peakOf([this.#managers], channelManagers),
      longestWait: Math.max(0, ...cores.flatMap(({ longestWaitIn }) => longestWaitIn.map((wait) => wait ?? 0))),
      questionsAnOpen: questions / Math.max(1, sorted.length),
    };
  }

  /** @param failures since it last mined @param noticed seconds until it knows */
  #comeAgain(failures: number, noticed = 0): void {
    const { comesAgain } = this.#options;
    let delay: number;
    if (comesAgain === 'backoff') {
      const doubled = 2 ** Math.max(0, failures - 1);
      const full = Math.min(seconds(assumptions.reconnectLongest), seconds(assumptions.reconnectFirst) * doubled);
      delay = full / 2 + (full / 2) * this.#random();
    } else delay = comesAgain;
    this.#simulation.after(noticed + delay + MINER_LINK, () => this.#connect(failures));
  }

  #connect(failures: number): void {
    const gateway = this.#gateways[Math.floor(this.#random() * this.#gateways.length)]!;
    const { now } = this.#simulation;
    this.#counts.tried += 1;
    if (!this.#admits(gateway, now)) {
      this.#counts.refused += 1;
      this.#comeAgain(failures + 1);
      return;
    }
    gateway.handshakes.push({ failures, at: now });
    if (gateway.shaking === 0) this.#shakeHands(gateway);
  }

  /** The rules of read-turns.ts: what else has come is done before the handshakes of the next turn. */
  #shakeHands(gateway: ModelGateway): void {
    const turn = gateway.handshakes.splice(0, HANDSHAKES_OF_A_TURN);
    gateway.shaking = turn.length;
    for (const { failures, at } of turn)
      gateway.core.submit(HANDSHAKE * this.#slower, () => {
        if (this.#simulation.now - at > seconds(assumptions.handshakeDeadline)) this.#comeAgain(failures + 1);
        // The answer to the handshake, then SetupConnection and its answer, then the opening.
        else this.#simulation.after(4 * MINER_LINK, () => this.#open(gateway, failures));
        gateway.shaking -= 1;
        if (gateway.shaking === 0) this.#shakeHands(gateway);
      });
  }

  #open(gateway: ModelGateway, failures: number): void {
    gateway.core.submit((REST_OF_OPEN / 2) * this.#slower, () => {
      gateway.wanted.push(failures);
      if (gateway.turn === undefined) this.#askNext(gateway);
    });
  }

  /** The rules of open-questions.ts: what is wanted while a question is out is the next one. */
  #askNext(gateway: ModelGateway): void {
    gateway.turn = undefined;
    if (gateway.out >= QUESTIONS || gateway.wanted.length === 0) return;
    const asked = gateway.wanted.splice(0, CHANNELS_OF_A_QUESTION);
    const question = { gateway, asked, deadline: this.#simulation.now + OPEN_DEADLINE, decided: false };
    gateway.turn = question;
    gateway.out += 1;
    this.#ask(question);
    this.#simulation.after(TURN, () => {
      if (gateway.turn === question) this.#askNext(gateway);
    });
  }

  /** It is answered, or given up. */
  #settle(question: Question): void {
    const { gateway } = question;
    question.decided = true;
    gateway.out -= 1;
    if (gateway.turn === undefined || gateway.turn === question) this.#askNext(gateway);
  }

  #ask(question: Question, patience = FIRST_ATTEMPT): void {
    const { now } = this.#simulation;
    const { gateway, asked, deadline } = question;
    if (question.decided) return;
    if (now >= deadline) {
      this.#counts.opens += asked.length;
      for (const failures of asked) this.#comeAgain(failures + 1);
      this.#settle(question);
      return;
    }
    this.#counts.questions += asked.length;
    const attempt = Math.min(patience, deadline - now);
    this.#managers.submit(MANAGER * asked.length, () => {
      // Who asked does not wait for this answer any more, and has asked again.
      if (question.decided || this.#simulation.now > now + attempt) return;
      for (const _ of asked)
        gateway.core.submit((REST_OF_OPEN / 2) * this.#slower, () => this.#miningAt.push(this.#simulation.now));
      this.#settle(question);
    });
    this.#simulation.after(attempt + PAUSE, () => this.#ask(question, 2 * patience));
  }

  #admits(gateway: ModelGateway, now: number): boolean {
    const { connectionRate } = this.#options;
    gateway.tokens = Math.min(
      connectionRate * BURST_SECONDS,
      gateway.tokens + (now - gateway.filledAt) * connectionRate,
    );
    gateway.filledAt = now;
    if (gateway.tokens < 1) return false;
    gateway.tokens -= 1;
    return true;
  }
}

interface Handshake {
  /** How often its miner has failed before, and when it connected. */
  readonly failures: number;
  readonly at: number;
}

interface Question {
  readonly gateway: ModelGateway;
  /** How often each of its miners has failed before. */
  readonly asked: readonly number[];
  readonly deadline: number;
  decided: boolean;
}

/** Of one server in its busiest second; the mean over all of them. */
function peakOf(stations: readonly Station[], servers: number): number {
  const seconds = Math.max(0, ...stations.map(({ busyIn }) => busyIn.length));
  const used = Array.from({ length: seconds }, (_, second) =>
    stations.reduce((sum, { busyIn }) => sum + (busyIn[second] ?? 0), 0),
  );
  return used.reduce((most, each) => Math.max(most, each), 0) / servers;
}

function countUpTo(sorted: readonly number[], end: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! <= end) low = middle + 1;
    else high = middle;
  }
  return low;
}
