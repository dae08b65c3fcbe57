// The template provider: what its nodes learn goes to the bus, what miners find comes back as blocks. See
// docs/flows/template.md.
import type { Bus, Consumer, Subscription } from '@sluice/bus/bus';
import { Solution, SolutionResult } from '@sluice/bus/payloads/solution';
import { Template } from '@sluice/bus/payloads/template';
import { TipNews as TipNewsPayload } from '@sluice/bus/payloads/tip-news';
import { lastToken, subjectName, subjectPattern } from '@sluice/bus/subjects';
import { type Clock, unixMicros } from '@sluice/runtime/clock';
import type { Health } from '@sluice/runtime/health';
import type { Logger } from '@sluice/runtime/logger';
import { createMetrics, type MetricsRegistry } from '@sluice/runtime/metrics';
import type { Service as RuntimeService } from '@sluice/runtime/run-service';
import { type BlockSolution, BlockSubmitter, type NodeAnswer, SolutionRefusal } from './block-submitter.ts';
import { type BlockOutcome, type TemplateProviderMetrics, templateProviderMetrics } from './metrics.ts';
import { NodeSet } from './node-set.ts';
import type { NodeSource, NodeTrouble, TipNews } from './node-source.ts';
import type { PreparedTemplate } from './prepare-template.ts';
import { SolutionListener } from './solution-listener.ts';
import { TemplateBodies } from './template-bodies.ts';
import type { TemplateStore } from './template-store.ts';

const APPEND_TIMEOUT_MS = 5_000;
/** Solutions fetched ahead from the durable stream. */
const SOLUTIONS_AHEAD = 8;

export interface TemplateProviderOptions {
  /** Unique in the pool; letters, digits, `-` and `_`. */
  readonly provider: string;
  readonly solutionHost: string;
  /** 0 asks for a free port. */
  readonly solutionPort: number;
}

export interface TemplateProviderModules {
  readonly bus: Bus;
  /** In order of preference. */
  readonly nodes: readonly NodeSource[];
  readonly store: TemplateStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  readonly health: Health;
  sleep(ms: number): Promise<void>;
}

export interface TemplateProviderService extends RuntimeService {
  /** Where gateways send solutions without the bus; known after `start`. */
  readonly solutionPort: number;
}

export function createTemplateProviderService(
  options: TemplateProviderOptions,
  modules: TemplateProviderModules,
): TemplateProviderService {
  return new TemplateProvider(options, modules);
}

class TemplateProvider implements TemplateProviderService {
  solutionPort = 0;
  readonly #options: TemplateProviderOptions;
  readonly #modules: TemplateProviderModules;
  readonly #metrics: TemplateProviderMetrics;
  readonly #nodes: NodeSet;
  readonly #bodies: TemplateBodies;
  readonly #submitter: BlockSubmitter;
  readonly #listener: SolutionListener;
  readonly #subscriptions: Subscription[] = [];
  #consumer: Consumer | undefined;
  #lastTemplateId = 0n;
  /** Tips, one after the other. They never wait for a template, which has megabytes to write first. */
  #tips: Promise<void> = Promise.resolve();
  /** Templates, one after the other, each behind the tips that came before it. */
  #templates: Promise<void> = Promise.resolve();

  constructor(options: TemplateProviderOptions, modules: TemplateProviderModules) {
    this.#options = options;
    this.#modules = modules;
    this.#metrics = createMetrics(modules.metrics, templateProviderMetrics);
    const { bus, store, sleep } = modules;
    this.#bodies = new TemplateBodies(options.provider, {
      bus,
      store,
      onStoreFailure: (error) =>
        modules.log.error({ error }, 'the transactions of a template could not be kept or read'),
    });
    this.#nodes = new NodeSet(modules.nodes, {
      onTip: (news, node) => {
        this.#tips = this.#tips.then(() => this.#tellTip(news, node)).catch(this.#onTellFailure);
      },
      onTemplate: (template, chainwork) => {
        this.#templates = Promise.all([this.#templates, this.#tips])
          .then(() => this.#tellTemplate(template, chainwork))
          .catch(this.#onTellFailure);
      },
      onNodeHealth: (node, trouble, detail) => this.#logHealth(node, trouble, detail),
      onActiveNode: (node) => this.#logActiveNode(node),
    });
    this.#submitter = new BlockSubmitter({
      nodes: modules.nodes,
      transactions: (provider, templateId) => this.#bodies.transactions(provider, templateId),
      onAnswer: (solution, hash, answer) => this.#tellAnswer(solution, hash, answer),
      sleep,
    });
    this.#listener = new SolutionListener({
      handle: (payload) => this.#onDirectSolution(payload),
      onCut: (reason, remote) => modules.log.debug({ reason, remote }, 'solution connection cut'),
    });
    this.#followMetrics();
    modules.health.check('template-provider: work', () => this.#notReady());
  }

  async start(): Promise<void> {
    const { bus, store, log } = this.#modules;
    await store.load();
    this.#bodies.start();
    this.solutionPort = await this.#listener.listen(this.#options.solutionHost, this.#options.solutionPort);
    this.#subscriptions.push(
      bus.subscribe(subjectName('solutionNow'), (payload) => void this.#onSolutionNow(payload)),
      bus.subscribe(subjectPattern('template'), (payload, subject) => void this.#onOtherTemplate(payload, subject)),
      bus.onStatus((status) => {
        if (status === 'up') this.#nodes.repeat();
      }),
    );
    const durable = `template-provider-${this.#options.provider}`;
    this.#consumer = await bus.consume(
      'SOLUTIONS',
      { filter: subjectName('solution'), durable, batch: SOLUTIONS_AHEAD },
      async ({ payload }) => {
        await this.#onSolution(payload);
      },
    );
    await this.#nodes.start();
    for (const { node, trouble } of this.#nodes.troubles) {
      if (trouble === 'clock-skew' || trouble === 'wrong-network') throw new NodeUnfit(node, trouble);
    }
    log.info({ provider: this.#options.provider, solutionPort: this.solutionPort }, 'template provider started');
  }

  async stop(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.close();
    await this.#nodes.stop();
    await this.#consumer?.close();
    await this.#listener.close();
    this.#bodies.stop();
    await this.#tips;
    await this.#templates;
  }

  #notReady(): string | undefined {
    if (this.#nodes.activeNode !== undefined) return undefined;
    const troubles = this.#nodes.troubles.map(({ node, trouble }) => `${node}: ${trouble}`).join(', ');
    return troubles === '' ? 'no template yet' : `no node gives work (${troubles})`;
  }

  readonly #onTellFailure = (error: unknown): void => {
    // The stream is away: what is in force is told again when the bus is back.
    this.#metrics.tellFailures.inc();
    this.#modules.log.warn({ error }, 'could not tell the bus');
  };

  async #tellTip(news: TipNews, node: string): Promise<void> {
    const { bus, log } = this.#modules;
    const { provider } = this.#options;
    this.#metrics.tips.inc();
    this.#metrics.tipHeight.set(news.height);
    log.info({ node, height: news.height, hash: display(news.hash) }, 'new tip');
    const payload = TipNewsPayload.encode({ provider, ...news });
    await bus.append('TEMPLATES', subjectName('tip', provider), payload, { timeoutMs: APPEND_TIMEOUT_MS });
  }

  async #tellTemplate(template: PreparedTemplate, chainwork: bigint): Promise<void> {
    const { bus, store, log } = this.#modules;
    const { provider } = this.#options;
    const templateId = this.#nextTemplateId();
    // On disk first: whoever hears of the template may have a block of it a moment later.
    await store.put(provider, templateId, template.body);
    const { body, currentTime, ...fields } = template;
    const payload = Template.encode({ provider, templateId, chainwork, curtime: currentTime, ...fields });
    await bus.append('TEMPLATES', subjectName('template', provider), payload, { timeoutMs: APPEND_TIMEOUT_MS });
    this.#metrics.templates.inc();
    this.#metrics.templateTransactions.set(template.transactionCount);
    this.#metrics.templateFees.set(Number(template.fees));
    this.#metrics.templateWeight.set(template.weight);
    log.debug({ height: template.height, transactions: template.transactionCount, bytes: body.length }, 'new template');
  }

  /** Microseconds, so that it grows over restarts too; one more where two templates share one. */
  #nextTemplateId(): bigint {
    const now = unixMicros(this.#modules.clock);
    this.#lastTemplateId = now > this.#lastTemplateId ? now : this.#lastTemplateId + 1n;
    return this.#lastTemplateId;
  }

  async #onOtherTemplate(payload: Uint8Array, subject: string): Promise<void> {
    const { store, log } = this.#modules;
    if (lastToken(subject) === this.#options.provider) return;
    try {
      const { provider, templateId } = Template.decode(payload);
      if (store.has(provider, templateId)) return;
      if ((await this.#bodies.copy(provider, templateId)) === undefined) {
        log.warn({ provider, templateId: String(templateId) }, 'the transactions of a template could not be copied');
      } else this.#metrics.bodiesCopied.inc();
    } catch (error) {
      log.debug({ error }, 'a template of another provider could not be read');
    }
  }

  async #onSolution(payload: Uint8Array): Promise<readonly NodeAnswer[]> {
    let solution: Solution;
    try {
      solution = Solution.decode(payload);
    } catch (error) {
      this.#modules.log.warn({ error }, 'a solution could not be read');
      return [];
    }
    const started = this.#modules.clock.monotonic();
    const answers = await this.#submitter.submit(solution);
    this.#metrics.submitSeconds.observe((this.#modules.clock.monotonic() - started) / 1000);
    return answers;
  }

  /** The durable stream brings the same solution again, so that what fails here is not lost. */
  async #onSolutionNow(payload: Uint8Array): Promise<void> {
    try {
      await this.#onSolution(payload);
    } catch (error) {
      this.#modules.log.error({ error }, 'a solution could not be made a block');
    }
  }

  async #onDirectSolution(payload: Uint8Array): Promise<Uint8Array | undefined> {
    const [first] = await this.#onSolution(payload);
    return first === undefined ? undefined : this.#result(Solution.decode(payload).hash, first);
  }

  #result(hash: Uint8Array, { node, answer }: NodeAnswer): Uint8Array {
    const { provider } = this.#options;
    return SolutionResult.encode({
      hash,
      provider,
      node,
      answer: answer ?? '',
      atMicros: unixMicros(this.#modules.clock),
    });
  }

  #tellAnswer(solution: BlockSolution, hash: Uint8Array, answer: NodeAnswer): void {
    const { bus, log } = this.#modules;
    const outcome = outcomeOf(answer);
    this.#metrics.blocks.with({ outcome }).inc();
    const fields = { hash: display(hash), node: answer.node, answer: answer.answer ?? 'accepted' };
    if (outcome === 'rejected' || outcome === 'refused') log.error(fields, 'a block of ours was not accepted');
    else log.info(fields, 'block submitted');
    const messageId = `${display(hash)}-${this.#options.provider}-${answer.node}`;
    bus
      .append('SOLUTIONS', subjectName('solutionResult'), this.#result(hash, answer), { messageId })
      .catch((error: unknown) =>
        log.warn({ error, templateId: String(solution.templateId) }, "a node's answer could not be stored"),
      );
  }

  #logHealth(node: string, trouble: NodeTrouble | undefined, detail: string): void {
    if (trouble === undefined) this.#modules.log.info({ node }, 'node gives work');
    else this.#modules.log.warn({ node, trouble, detail }, 'node gives no work');
  }

  #logActiveNode(node: string | undefined): void {
    if (node === undefined) this.#modules.log.warn('no node gives templates: miners go on with the jobs they have');
    else this.#modules.log.info({ node }, 'templates come from this node');
  }

  #followMetrics(): void {
    const { store } = this.#modules;
    this.#metrics.nodes.set(this.#modules.nodes.length);
    this.#metrics.nodesWell.follow(() => this.#nodes.wellNodes);
    this.#metrics.bodies.follow(() => store.count);
    this.#metrics.bodyBytes.follow(() => store.bytes);
    this.#metrics.bodiesEvictedEarly.follow(() => store.evictedEarly);
    this.#metrics.solutionConnections.follow(() => this.#listener.connections);
  }
}

/** A node that must not be used for what it is, not for how it fares: nothing is started beside it. */
export class NodeUnfit extends Error {
  override readonly name = 'NodeUnfit';
  readonly code: 'clock-skew' | 'wrong-network';

  constructor(node: string, trouble: 'clock-skew' | 'wrong-network') {
    const words = {
      'clock-skew': "its clock and this host's differ by more than 30 s: set both by NTP",
      'wrong-network': 'it is on another network than the pool',
    } as const;
    super(`node ${node} cannot be used: ${words[trouble]}`);
    this.code = trouble;
  }
}

function outcomeOf({ answer }: NodeAnswer): BlockOutcome {
  if (answer === null) return 'accepted';
  if (answer === SolutionRefusal.belowTarget || answer === SolutionRefusal.unknownTemplate) return 'refused';
  if (answer.startsWith('duplicate')) return 'duplicate';
  return answer === 'inconclusive' ? 'inconclusive' : 'rejected';
}

const display = (hash: Uint8Array) => Buffer.from(hash).reverse().toString('hex');
