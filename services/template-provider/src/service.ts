// The template provider: what its nodes learn goes to the bus, what miners find comes back as blocks. See
// docs/flows/template.md.
import type { Network } from '@sluice/bitcoin/network';
import type { Bus, Subscription } from '@sluice/bus/bus';
import { Template } from '@sluice/bus/payloads/template';
import { TipNews as TipNewsPayload } from '@sluice/bus/payloads/tip-news';
import { lastToken, subjectName, subjectPattern } from '@sluice/bus/subjects';
import type { Clock } from '@sluice/runtime/clock';
import type { HostPort } from '@sluice/runtime/config/value-types';
import type { Health } from '@sluice/runtime/health';
import type { Logger } from '@sluice/runtime/logger';
import { createMetrics, type MetricsRegistry } from '@sluice/runtime/metrics';
import { OutageLog } from '@sluice/runtime/outage-log';
import type { Service as RuntimeService } from '@sluice/runtime/run-service';
import { Announcements } from './announcements.ts';
import { KeptTemplates } from './kept-templates.ts';
import { LiveTemplates } from './live-templates.ts';
import { type TemplateProviderMetrics, templateProviderMetrics } from './metrics.ts';
import { NodeSet } from './node-set.ts';
import type { NodeSource, NodeTrouble } from './node-source.ts';
import { isUnfit, NodeUnfit } from './node-unfit.ts';
import { RequiredWork } from './required-work.ts';
import { Solutions } from './solutions.ts';
import { TemplateBodies } from './template-bodies.ts';
import { TemplateCopies } from './template-copies.ts';
import {
  TemplateDistribution,
  type TemplateDistributionModules,
  type TemplateDistributionOptions,
} from './template-distribution/template-distribution.ts';
import type { TemplateName, TemplateStore } from './template-store.ts';
import { UnannouncedTips } from './unannounced-tips.ts';

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
  readonly #bodies: TemplateBodies;
  readonly #copies: TemplateCopies;
  readonly #live: LiveTemplates;
  readonly #solutions: Solutions;
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
    this.#solutions = new Solutions(options.provider, {
      ...modules,
      metrics: this.#metrics,
      work: this.#work,
      bodies: this.#bodies,
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
    this.solutionPort = await this.#solutions.listen(this.#options.solutionHost, this.#options.solutionPort);
    this.#subscriptions.push(
      bus.subscribe(subjectName('solutionNow'), (payload) => void this.#solutions.now(payload)),
      bus.subscribe(subjectPattern('tip'), (payload, subject) => this.#onOthersNews(payload, subject)),
      bus.subscribe(subjectPattern('template'), (payload, subject) => {
        this.#onOthersNews(payload, subject);
        if (lastToken(subject) === this.#options.provider) this.#lookForTwin(payload);
      }),
      bus.onStatus((status) => {
        if (status === 'down') return;
        this.#solutions.busIsBack();
        this.#announcements.repeat();
        void this.#catchUp();
      }),
    );
    void this.#catchUp();
    await this.#solutions.openStored();
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
    this.#solutions.giveUp();
    this.#copies.stop();
    await this.#nodes.stop();
    await this.#solutions.stop();
    await this.#live.stop();
    this.#bodies.stop();
    await this.#announcements.stop();
    await this.#solutions.flush();
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
        submit: (solution) => this.#solutions.ofClient(solution),
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
  }
}
