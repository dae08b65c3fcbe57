// The template provider: what its nodes learn goes to the bus, what miners find comes back as blocks. See
// docs/flows/template.md.
import type { Network } from '@sluice/bitcoin/network';
import type { Bus, Subscription } from '@sluice/bus/bus';
import { providerWords, Solution, SolutionResult } from '@sluice/bus/payloads/solution';
import { Template } from '@sluice/bus/payloads/template';
import { TipNews as TipNewsPayload } from '@sluice/bus/payloads/tip-news';
import { lastToken, subjectName, subjectPattern } from '@sluice/bus/subjects';
import { type Clock, unixMicros } from '@sluice/runtime/clock';
import type { HostPort } from '@sluice/runtime/config/value-types';
import type { Health } from '@sluice/runtime/health';
import type { Logger } from '@sluice/runtime/logger';
import { createMetrics, type MetricsRegistry } from '@sluice/runtime/metrics';
import { OutageLog } from '@sluice/runtime/outage-log';
import type { Service as RuntimeService } from '@sluice/runtime/run-service';
import { Announcements } from './announcements.ts';
import { BlockSubmitter, type NodeAnswer } from './block-submitter.ts';
import { KeptTemplates } from './kept-templates.ts';
import { LiveTemplates } from './live-templates.ts';
import { type BlockOutcome, type TemplateProviderMetrics, templateProviderMetrics } from './metrics.ts';
import { NodeSet } from './node-set.ts';
import type { NodeSource, NodeTrouble } from './node-source.ts';
import { RequiredWork } from './required-work.ts';
import { SolutionListener } from './solution-listener.ts';
import { SolutionLog } from './solution-log.ts';
import { StoredSolutions } from './stored-solutions.ts';
import { TemplateBodies } from './template-bodies.ts';
import { TemplateCopies } from './template-copies.ts';
import {
  TemplateDistribution,
  type TemplateDistributionModules,
  type TemplateDistributionOptions,
} from './template-distribution/template-distribution.ts';
import type { TemplateName, TemplateStore } from './template-store.ts';
import { UnannouncedTips } from './unannounced-tips.ts';

/** Half of what a gateway waits before it gives up a connection. */
const DIRECT_ANSWER_MS = 5_000;

export interface TemplateProviderOptions {
  /** Unique in the pool; letters, digits, `-` and `_`. */
  readonly provider: string;
  readonly network: Network;
  readonly solutionHost: string;
  /** 0 asks for a free port. */
  readonly solutionPort: number;
}

/** What it takes to serve template distribution as well. */
export interface DistributionParts extends Pick<TemplateDistributionModules, 'identity' | 'ec' | 'aead' | 'random'> {
  readonly options: Omit<TemplateDistributionOptions, 'provider' | 'network'>;
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
  readonly distribution?: DistributionParts;
  sleep(ms: number): Promise<void>;
}

export interface TemplateProviderService extends RuntimeService {
  /** Where gateways send solutions without the bus; known after `start`. */
  readonly solutionPort: number;
  /** Where clients of template distribution connect; known after `start`. */
  readonly distributionAddresses: readonly HostPort[];
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
  readonly #work: RequiredWork;
  readonly #announcements: Announcements;
  readonly #nodes: NodeSet;
  readonly #unannounced: UnannouncedTips;
  readonly #kept: KeptTemplates;
  readonly #twin: OutageLog;
  readonly #unstored: OutageLog;
  readonly #bodies: TemplateBodies;
  readonly #copies: TemplateCopies;
  readonly #live: LiveTemplates;
  readonly #solutionLog: SolutionLog;
  readonly #submitter: BlockSubmitter;
  readonly #stored: StoredSolutions;
  readonly #listener: SolutionListener;
  readonly #distribution: TemplateDistribution | undefined;
  readonly #subscriptions: Subscription[] = [];
  /** Templates that miners of the pool work on; `undefined`: not known yet. */
  #ofJobs: readonly TemplateName[] | undefined;
  /** Templates that clients of template distribution work on. */
  #ofClients: readonly TemplateName[] = [];
  /** What the bus was told last: the next job may be made of it, though variants of it for clients are newer. */
  #announced: readonly TemplateName[] = [];

  constructor(options: TemplateProviderOptions, modules: TemplateProviderModules) {
    this.#options = options;
    this.#modules = modules;
    this.#metrics = createMetrics(modules.metrics, templateProviderMetrics);
    const { bus, store, clock, log, sleep } = modules;
    this.#work = new RequiredWork(options.network);
    this.#kept = new KeptTemplates(options.provider, modules);
    this.#twin = new OutageLog(() => clock.monotonic());
    this.#unstored = new OutageLog(() => clock.monotonic());
    const announced = { ...modules, kept: this.#kept, metrics: this.#metrics };
    this.#announcements = new Announcements(options.provider, announced);
    this.#bodies = new TemplateBodies(options.provider, {
      bus,
      store,
      onStoreFailure: (error) => log.error({ error }, 'the transactions of a template could not be written or read'),
    });
    this.#copies = new TemplateCopies(options.provider, {
      bodies: this.#bodies,
      store,
      onFailure: ({ provider, templateId }) =>
        log.warn(
          { provider, templateId: String(templateId) },
          'the transactions of a template could not be copied yet',
        ),
      sleep,
    });
    this.#live = new LiveTemplates({
      bus,
      onChange: (live) => {
        for (const template of live) this.#copies.want(template);
        this.#ofJobs = live;
        this.#keepBodies();
      },
      onFailure: (error) => log.warn({ error }, 'the feed of jobs could not be read'),
      sleep,
    });
    this.#unannounced = new UnannouncedTips(modules.nodes, { log, monotonic: () => clock.monotonic() });
    this.#nodes = new NodeSet(modules.nodes, {
      onTip: (news, node, origin) => {
        if (origin === 'poll') this.#metrics.tipsByPoll.inc();
        this.#unannounced.onTip(node, origin);
        this.#work.learn(news.hash, news.nextNbits);
        this.#announcements.tip(news, node);
        this.#afterBus((distribution) => distribution.tip(news));
      },
      onTemplate: (template, chainwork, node) => {
        this.#work.learn(template.prevHash, template.nbits);
        this.#announcements.template(template, chainwork);
        this.#announced = [{ provider: options.provider, templateId: this.#kept.idOf(template) }];
        this.#keepBodies();
        this.#afterBus((distribution) => distribution.template(template, chainwork, node));
      },
      onNodeHealth: (node, trouble, detail) => this.#logHealth(node, trouble, detail),
      onActiveNode: (node) => this.#logActiveNode(node),
    });
    this.#solutionLog = new SolutionLog({
      bus,
      onFailure: (error) => log[this.#unstored.level()]({ error }, 'a solution or an answer is not stored yet'),
      sleep,
    });
    this.#submitter = new BlockSubmitter({
      nodes: modules.nodes,
      workFault: (header, hash) => this.#work.fault(header, hash),
      transactions: (provider, templateId) => this.#bodies.transactions(provider, templateId),
      onAnswer: (_solution, hash, answer) => this.#tellAnswer(hash, answer),
      sleep,
      monotonic: () => clock.monotonic(),
    });
    this.#stored = new StoredSolutions({
      bus,
      handle: (payload) => this.#onSolution(payload),
      onFailure: this.#onSolutionFailure,
    });
    this.#listener = new SolutionListener({
      handle: (payload) => this.#onDirectSolution(payload),
      onCut: (reason, remote) => modules.log.debug({ reason, remote }, 'solution connection cut'),
    });
    this.#distribution = modules.distribution && this.#createDistribution(modules.distribution);
    this.#followMetrics();
    modules.health.check('template-provider: work', () => this.#notReady());
    modules.health.check('template-provider: store', () => this.#notKept());
  }

  get distributionAddresses(): readonly HostPort[] {
    return this.#distribution?.addresses ?? [];
  }

  async start(): Promise<void> {
    const { bus, store, log } = this.#modules;
    await store.load();
    await this.#announcements.start();
    await this.#distribution?.load();
    this.#bodies.start();
    this.#live.start();
    this.solutionPort = await this.#listener.listen(this.#options.solutionHost, this.#options.solutionPort);
    this.#subscriptions.push(
      bus.subscribe(subjectName('solutionNow'), (payload) => void this.#onSolutionNow(payload)),
      bus.subscribe(subjectPattern('tip'), (payload, subject) => this.#onOthersNews(payload, subject)),
      bus.subscribe(subjectPattern('template'), (payload, subject) => {
        this.#onOthersNews(payload, subject);
        if (lastToken(subject) === this.#options.provider) this.#lookForTwin(payload);
      }),
      bus.onStatus((status) => {
        if (status === 'down') return;
        this.#unstored.over();
        this.#announcements.repeat();
        void this.#catchUp();
      }),
    );
    void this.#catchUp();
    await this.#stored.open(`template-provider-${this.#options.provider}`);
    await this.#nodes.start();
    for (const { node, trouble } of this.#nodes.troubles) {
      if (isUnfit(trouble)) throw new NodeUnfit(node, trouble);
    }
    await this.#distribution?.listen();
    log.info({ provider: this.#options.provider, solutionPort: this.solutionPort }, 'template provider started');
  }

  async stop(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.close();
    await this.#distribution?.stop();
    this.#submitter.stop();
    this.#copies.stop();
    await this.#nodes.stop();
    await this.#stored.close();
    await this.#listener.close();
    await this.#live.stop();
    this.#bodies.stop();
    await this.#announcements.stop();
    await this.#solutionLog.close();
  }

  #createDistribution({ options, ...cryptography }: DistributionParts): TemplateDistribution {
    const { provider, network } = this.#options;
    return new TemplateDistribution(
      { ...options, provider, network },
      {
        ...this.#modules,
        ...cryptography,
        kept: this.#kept,
        variant: (base, reserve) => this.#nodes.variant(base, reserve),
        transactions: (of, templateId) => this.#bodies.transactions(of, templateId),
        workFault: (header, hash) => this.#work.fault(header, hash),
        submit: (solution) => this.#onClientSolution(solution),
        onLive: (live) => {
          this.#ofClients = live;
          this.#keepBodies();
        },
        onTold: (prevHash, nbits) => this.#work.learn(prevHash, nbits),
      },
    );
  }

  /** Clients are told behind the bus, which is on its way when this turn of the event loop is over. */
  #afterBus(tell: (distribution: TemplateDistribution) => void): void {
    const distribution = this.#distribution;
    if (distribution !== undefined) setImmediate(() => tell(distribution));
  }

  #keepBodies(): void {
    if (this.#ofJobs !== undefined)
      void this.#modules.store.keep([...this.#ofJobs, ...this.#ofClients, ...this.#announced]);
  }

  /** To every node of ours at once, to the other providers, and into the stream, which brings it again after a restart. */
  #onClientSolution(solution: Solution): void {
    const payload = Solution.encode(solution);
    void this.#onSolutionNow(payload);
    this.#modules.bus.publish(subjectName('solutionNow'), payload);
    this.#solutionLog.add('solution', `solution-${Buffer.from(solution.hash).toString('hex')}`, payload);
  }

  #notReady(): string | undefined {
    if (this.#nodes.activeNode !== undefined) return undefined;
    const reasons = this.#nodes.reasons.join(', ');
    return reasons === '' ? 'no template yet' : `no node gives work (${reasons})`;
  }

  #notKept(): string | undefined {
    const { inMemory } = this.#modules.store;
    return inMemory === 0 ? undefined : `the disk took no transactions: those of ${inMemory} templates are in memory`;
  }

  /** What the other providers said last, and what came while we did not listen. */
  async #catchUp(): Promise<void> {
    const { bus, log } = this.#modules;
    try {
      for (const pattern of [subjectPattern('tip'), subjectPattern('template')]) {
        for (const subject of (await bus.subjects('TEMPLATES', pattern)).keys()) {
          const last = await bus.last('TEMPLATES', subject);
          if (last !== undefined) this.#onOthersNews(last.payload, subject);
        }
      }
    } catch (error) {
      log.warn({ error }, 'what other providers have told could not be read');
    }
  }

  #onOthersNews(payload: Uint8Array, subject: string): void {
    if (lastToken(subject) === this.#options.provider) return;
    try {
      if (subject.startsWith('tip.')) {
        const { hash, nextNbits } = TipNewsPayload.decode(payload);
        this.#work.learn(hash, nextNbits);
      } else {
        const template = Template.decode(payload);
        this.#work.learn(template.prevHash, template.nbits);
        this.#copies.want(template);
      }
    } catch (error) {
      this.#modules.log.debug({ error }, 'the news of another provider could not be read');
    }
  }

  /** Two of one name answer for each other's templates, of which each holds its own alone. */
  #lookForTwin(payload: Uint8Array): void {
    const { provider } = this.#options;
    let templateId: bigint;
    try {
      ({ templateId } = Template.decode(payload));
    } catch {
      return;
    }
    if (this.#kept.hasGiven(templateId)) return;
    const message = 'another template-provider runs under this name: set another --provider for one of them';
    this.#modules.log[this.#twin.level()]({ provider }, message);
  }

  /** `undefined`: the bytes are no solution. */
  async #onSolution(payload: Uint8Array, way: 'bus' | 'direct' = 'bus'): Promise<NodeAnswer | undefined> {
    let solution: Solution;
    try {
      solution = Solution.decode(payload);
    } catch (error) {
      // Anybody can connect and send what is none.
      this.#modules.log[way === 'bus' ? 'warn' : 'debug']({ error }, 'a solution could not be read');
      return undefined;
    }
    const started = this.#modules.clock.monotonic();
    const answer = await this.#submitter.submit(solution);
    this.#metrics.submitSeconds.observe((this.#modules.clock.monotonic() - started) / 1000);
    return answer;
  }

  /** The durable stream brings the same solution again, so that what fails here is not lost. */
  async #onSolutionNow(payload: Uint8Array): Promise<void> {
    try {
      await this.#onSolution(payload);
    } catch (error) {
      this.#onSolutionFailure(error);
    }
  }

  readonly #onSolutionFailure = (error: unknown): void => {
    this.#modules.log.error({ error }, 'a solution could not be made a block');
  };

  /** A gateway takes silence for a lost connection: what takes longer, or fails, is answered as pending and asked for again. */
  async #onDirectSolution(payload: Uint8Array): Promise<Uint8Array | undefined> {
    const pending = { node: '', answer: providerWords.pending };
    const handled = this.#onSolution(payload, 'direct').catch((error: unknown) => {
      this.#onSolutionFailure(error);
      return pending;
    });
    const answer = await Promise.race([handled, this.#modules.sleep(DIRECT_ANSWER_MS).then(() => pending)]);
    return answer === undefined ? undefined : this.#result(Solution.decode(payload).hash, answer);
  }

  #result(hash: Uint8Array, { node, answer }: NodeAnswer, atMicros = unixMicros(this.#modules.clock)): Uint8Array {
    const { provider } = this.#options;
    return SolutionResult.encode({ hash, provider, node, answer: answer ?? '', atMicros });
  }

  #tellAnswer(hash: Uint8Array, answer: NodeAnswer): void {
    const { log } = this.#modules;
    const outcome = outcomeOf(answer);
    this.#metrics.blocks.with({ outcome }).inc();
    const fields = { hash: display(hash), node: answer.node, answer: answer.answer ?? 'accepted' };
    if (outcome === 'no-work') {
      // Anybody can send these: neither the log nor the stream is theirs to fill.
      log.debug(fields, 'a solution without work');
      return;
    }
    if (outcome === 'rejected' || outcome === 'refused') log.error(fields, 'a block of ours was not accepted');
    else if (outcome === 'stale') log.warn(fields, 'a block of ours lost against another');
    else log.info(fields, 'block submitted');
    const atMicros = unixMicros(this.#modules.clock);
    const messageId = `${display(hash)}-${this.#options.provider}-${answer.node}-${atMicros}`;
    this.#solutionLog.add('solutionResult', messageId, this.#result(hash, answer, atMicros));
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
    this.#metrics.bodiesInMemory.follow(() => store.inMemory);
    this.#metrics.bodyWriteFailures.follow(() => store.writeFailures);
    this.#metrics.bodiesEvictedEarly.follow(() => store.evictedEarly);
    this.#metrics.bodiesCopied.follow(() => this.#copies.copied);
    this.#metrics.copiesGivenUp.follow(() => this.#copies.givenUp);
    this.#metrics.solutionsUnderWay.follow(() => this.#submitter.underWay);
    this.#metrics.solutionsPutOff.follow(() => this.#submitter.putOff);
    this.#metrics.blocksUnwatched.follow(() => this.#submitter.unwatched);
    this.#metrics.answersWaiting.follow(() => this.#solutionLog.waiting);
    this.#metrics.answersDropped.follow(() => this.#solutionLog.dropped);
    this.#metrics.solutionConnections.follow(() => this.#listener.connections);
  }
}

const unfitness = {
  'clock-skew': "its clock and this host's differ by more than 30 s: set both by NTP",
  'wrong-network': 'it is on another network than the pool',
  'signet-challenge':
    'blocks of its signet need a signature: only a signet whose challenge is OP_TRUE (51) can be mined',
} as const;
type Unfitness = keyof typeof unfitness;

const isUnfit = (trouble: NodeTrouble): trouble is Unfitness => trouble in unfitness;

/** A node that must not be used for what it is, not for how it fares: nothing is started beside it. */
export class NodeUnfit extends Error {
  override readonly name = 'NodeUnfit';
  readonly code: Unfitness;

  constructor(node: string, trouble: Unfitness) {
    super(`node ${node} cannot be used: ${unfitness[trouble]}`);
    this.code = trouble;
  }
}

function outcomeOf({ answer }: NodeAnswer): BlockOutcome {
  switch (answer) {
    case null:
      return 'accepted';
    case providerWords.noWork:
    case providerWords.easyTarget:
      return 'no-work';
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

const display = (hash: Uint8Array) => Buffer.from(hash).reverse().toString('hex');
