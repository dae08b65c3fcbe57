// Solutions by every way that they come, and what became of them: gateways send them over the bus, the durable stream brings them again,
// a TCP connection needs neither, and clients of template distribution have found some. All of them lead to one submission.
import type { Bus } from '@sluice/bus/bus';
import { providerWords, Solution, SolutionResult } from '@sluice/bus/payloads/solution';
import { subjectName } from '@sluice/bus/subjects';
import { type Clock, unixMicros } from '@sluice/runtime/clock';
import type { Logger } from '@sluice/runtime/logger';
import { OutageLog } from '@sluice/runtime/outage-log';
import { BlockSubmitter, type NodeAnswer } from './block-submitter.ts';
import type { BlockOutcome, TemplateProviderMetrics } from './metrics.ts';
import type { NodeSource } from './node-source.ts';
import type { RequiredWork } from './required-work.ts';
import { SolutionListener } from './solution-listener.ts';
import { SolutionLog } from './solution-log.ts';
import { StoredSolutions } from './stored-solutions.ts';
import type { TemplateBodies } from './template-bodies.ts';

/** Half of what a gateway waits before it gives up a connection. */
const DIRECT_ANSWER_MS = 5_000;

export interface SolutionsModules {
  readonly bus: Bus;
  readonly nodes: readonly NodeSource[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: TemplateProviderMetrics;
  readonly work: RequiredWork;
  readonly bodies: TemplateBodies;
  sleep(ms: number): Promise<void>;
}

export class Solutions {
  readonly #provider: string;
  readonly #modules: SolutionsModules;
  readonly #unstored: OutageLog;
  readonly #record: SolutionLog;
  readonly #submitter: BlockSubmitter;
  readonly #stored: StoredSolutions;
  readonly #listener: SolutionListener;

  constructor(provider: string, modules: SolutionsModules) {
    this.#provider = provider;
    this.#modules = modules;
    const { bus, nodes, clock, log, work, bodies, sleep } = modules;
    const monotonic = () => clock.monotonic();
    this.#unstored = new OutageLog(monotonic);
    this.#record = new SolutionLog({
      bus,
      onFailure: (error) => log[this.#unstored.level()]({ error }, 'a solution or an answer is not stored yet'),
      sleep,
    });
    this.#submitter = new BlockSubmitter({
      provider,
      nodes,
      workFault: (header, hash) => work.fault(header, hash),
      transactions: (of, templateId) => bodies.transactions(of, templateId),
      onAnswer: (_solution, hash, answer) => this.#onAnswer(hash, answer),
      sleep,
      monotonic,
    });
    this.#stored = new StoredSolutions({
      bus,
      handle: (payload) => this.#submit(payload),
      onFailure: this.#onFailure,
    });
    this.#listener = new SolutionListener({
      handle: (payload) => this.#direct(payload),
      onCut: (reason, remote) => log.debug({ reason, remote }, 'solution connection cut'),
    });
    this.#followMetrics();
  }

  /** For gateways that are cut off from the bus. Resolves with the port; 0 asks for a free one. */
  listen(host: string, port: number): Promise<number> {
    return this.#listener.listen(host, port);
  }

  /** Begins where the last process of this name has stood. */
  openStored(): Promise<void> {
    return this.#stored.open(`template-provider-${this.#provider}`);
  }

  /** From the bus. The durable stream brings the same solution again, so that what fails here is not lost. */
  async now(payload: Uint8Array): Promise<void> {
    try {
      await this.#submit(payload);
    } catch (error) {
      this.#onFailure(error);
    }
  }

  /** To every node of ours at once, to the other providers, and into the stream, which brings it again after a restart. */
  ofClient(solution: Solution): void {
    const payload = Solution.encode(solution);
    void this.now(payload);
    this.#modules.bus.publish(subjectName('solutionNow'), payload);
    this.#record.add('solution', `solution-${Buffer.from(solution.hash).toString('hex')}`, payload);
  }

  /** What could not be stored is a new trouble the next time. */
  busIsBack(): void {
    this.#unstored.over();
  }

  /** What waits for a node or for transactions is given up: the stream brings it again after the next start. */
  giveUp(): void {
    this.#submitter.stop();
  }

  async stop(): Promise<void> {
    await this.#stored.close();
    await this.#listener.close();
  }

  /** The last answers into the stream. */
  flush(): Promise<void> {
    return this.#record.close();
  }

  /** `undefined`: the bytes are no solution. */
  async #submit(payload: Uint8Array, way: 'bus' | 'direct' = 'bus'): Promise<NodeAnswer | undefined> {
    const { clock, log, metrics } = this.#modules;
    let solution: Solution;
    try {
      solution = Solution.decode(payload);
    } catch (error) {
      // Anybody can connect and send what is none.
      log[way === 'bus' ? 'warn' : 'debug']({ error }, 'a solution could not be read');
      return undefined;
    }
    const started = clock.monotonic();
    const answer = await this.#submitter.submit(solution);
    metrics.submitSeconds.observe((clock.monotonic() - started) / 1000);
    return answer;
  }

  /** A gateway takes silence for a lost connection: what takes longer, or fails, is answered as pending and asked for again. */
  async #direct(payload: Uint8Array): Promise<Uint8Array | undefined> {
    const pending = { node: '', answer: providerWords.pending };
    const handled = this.#submit(payload, 'direct').catch((error: unknown) => {
      this.#onFailure(error);
      return pending;
    });
    const answer = await Promise.race([handled, this.#modules.sleep(DIRECT_ANSWER_MS).then(() => pending)]);
    return answer === undefined ? undefined : this.#result(Solution.decode(payload).hash, answer);
  }

  readonly #onFailure = (error: unknown): void => {
    this.#modules.log.error({ error }, 'a solution could not be made a block');
  };

  #result(hash: Uint8Array, { node, answer }: NodeAnswer, atMicros = unixMicros(this.#modules.clock)): Uint8Array {
    return SolutionResult.encode({ hash, provider: this.#provider, node, answer: answer ?? '', atMicros });
  }

  #onAnswer(hash: Uint8Array, answer: NodeAnswer): void {
    const { clock, log, metrics } = this.#modules;
    const outcome = outcomeOf(answer);
    metrics.blocks.with({ outcome }).inc();
    const name = Buffer.from(hash).reverse().toString('hex');
    const fields = { hash: name, node: answer.node, answer: answer.answer ?? 'accepted' };
    if (outcome === 'no-work') {
      // Anybody can send these: neither the log nor the stream is theirs to fill.
      log.debug(fields, 'a solution without work');
      return;
    }
    if (outcome === 'not-its-template') log.debug(fields, 'a block of another node');
    else if (outcome === 'rejected' || outcome === 'refused') log.error(fields, 'a block of ours was not accepted');
    else if (outcome === 'stale') log.warn(fields, 'a block of ours lost against another');
    else log.info(fields, 'block submitted');
    const atMicros = unixMicros(clock);
    const messageId = `${name}-${this.#provider}-${answer.node}-${atMicros}`;
    this.#record.add('solutionResult', messageId, this.#result(hash, answer, atMicros));
  }

  #followMetrics(): void {
    const { metrics } = this.#modules;
    metrics.solutionsUnderWay.follow(() => this.#submitter.underWay);
    metrics.solutionsPutOff.follow(() => this.#submitter.putOff);
    metrics.blocksUnwatched.follow(() => this.#submitter.unwatched);
    metrics.answersWaiting.follow(() => this.#record.waiting);
    metrics.answersDropped.follow(() => this.#record.dropped);
    metrics.solutionConnections.follow(() => this.#listener.connections);
  }
}

function outcomeOf({ answer }: NodeAnswer): BlockOutcome {
  switch (answer) {
    case null:
      return 'accepted';
    case providerWords.noWork:
    case providerWords.easyTarget:
      return 'no-work';
    case providerWords.notItsTemplate:
      return 'not-its-template';
    case providerWords.templateUnknown:
      return 'refused';
    case providerWords.notInChain:
      return 'stale';
    case 'inconclusive':
    case 'duplicate-inconclusive':
      return 'inconclusive';
    default:
      return answer.startsWith('duplicate') ? 'duplicate' : 'rejected';
  }
}
