// Tells the bus of tips and templates. Each template has one id for good, however often it is offered; what could not be told
// is told again as long as nothing newer has come.
import type { Bus } from '@sluice/bus/bus';
import { Template } from '@sluice/bus/payloads/template';
import { TipNews as TipNewsPayload } from '@sluice/bus/payloads/tip-news';
import { subjectName } from '@sluice/bus/subjects';
import type { Logger } from '@sluice/runtime/logger';
import { OutageLog } from '@sluice/runtime/outage-log';
import type { KeptTemplates } from './kept-templates.ts';
import type { TemplateProviderMetrics } from './metrics.ts';
import type { TipNews } from './node-source.ts';
import type { PreparedTemplate } from './prepare-template.ts';
import type { TemplateStore } from './template-store.ts';

const APPEND_TIMEOUT_MS = 5_000;
const RETRY_MS = 1_000;
const NO_HEADER = new Uint8Array(0);

export interface AnnouncementsModules {
  readonly bus: Bus;
  readonly store: TemplateStore;
  readonly kept: KeptTemplates;
  readonly log: Logger;
  readonly metrics: TemplateProviderMetrics;
  sleep(ms: number): Promise<void>;
}

interface Told {
  readonly template: PreparedTemplate;
  readonly templateId: bigint;
  readonly chainwork: bigint;
}

export class Announcements {
  readonly #provider: string;
  readonly #modules: AnnouncementsModules;
  readonly #known = new WeakSet<PreparedTemplate>();
  #newestTip: TipNews | undefined;
  #newestTemplate: Told | undefined;
  /** Tips, one after the other. They never wait for a template, which has megabytes to write first. */
  #tips: Promise<void> = Promise.resolve();
  /** Templates, one after the other, each behind the tips that came before it. */
  #templates: Promise<void> = Promise.resolve();
  readonly #outage = new OutageLog(() => performance.now());
  #stopped = false;

  constructor(provider: string, modules: AnnouncementsModules) {
    this.#provider = provider;
    this.#modules = modules;
  }

  /** Looks up the newest id of an earlier run: the clock may have been set back since. */
  async start(): Promise<void> {
    const { bus, store, kept, log } = this.#modules;
    kept.startAfter(store.newestId(this.#provider));
    try {
      const last = await bus.last('TEMPLATES', subjectName('template', this.#provider));
      if (last !== undefined) kept.startAfter(Template.decode(last.payload).templateId);
    } catch (error) {
      log.warn({ error }, 'the newest template id could not be read: that of the store is taken');
    }
  }

  /** Ends when what is under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#tips;
    await this.#templates;
  }

  tip(news: TipNews, node: string): void {
    const { log, metrics } = this.#modules;
    metrics.tips.inc();
    metrics.tipHeight.set(news.height);
    log.info({ node, height: news.height, hash: display(news.hash) }, 'new tip');
    this.#newestTip = news;
    this.#queueTip(news);
  }

  /** A template that was offered before is known to the bus, or is being told. */
  template(template: PreparedTemplate, chainwork: bigint): void {
    if (this.#known.has(template)) return;
    this.#known.add(template);
    const told = { template, templateId: this.#modules.kept.idOf(template), chainwork };
    this.#newestTemplate = told;
    this.#queueTemplate(told);
  }

  /** The tip and the template in force, told again: for a bus that lost them. */
  repeat(): void {
    const tip = this.#newestTip;
    const told = this.#newestTemplate;
    if (tip !== undefined) this.#queueTip(tip);
    if (tip !== undefined && told !== undefined && Buffer.compare(told.template.prevHash, tip.hash) === 0) {
      this.#queueTemplate(told);
    }
  }

  #queueTip(news: TipNews): void {
    const isNewest = () => this.#newestTip === news;
    this.#tips = this.#tips.then(() => this.#untilTold(isNewest, () => this.#tellTip(news)));
  }

  #queueTemplate(told: Told): void {
    const isNewest = () => this.#newestTemplate === told;
    this.#templates = Promise.all([this.#templates, this.#tips]).then(() =>
      isNewest() ? this.#untilTold(isNewest, () => this.#tellTemplate(told)) : undefined,
    );
  }

  async #untilTold(isNewest: () => boolean, tell: () => Promise<void>): Promise<void> {
    const { bus, log, metrics, sleep } = this.#modules;
    do {
      try {
        await tell();
        this.#outage.over();
        return;
      } catch (error) {
        metrics.tellFailures.inc();
        log[this.#outage.level()]({ error }, 'could not tell the bus');
      }
      // A bus that is away gets what is in force when it is back.
      if (this.#stopped || bus.status() === 'down') return;
      await sleep(RETRY_MS);
    } while (isNewest() && !this.#stopped);
  }

  async #tellTip(news: TipNews): Promise<void> {
    const payload = TipNewsPayload.encode({ provider: this.#provider, header: NO_HEADER, ...news });
    await this.#append(subjectName('tip', this.#provider), payload);
  }

  async #tellTemplate({ template, templateId, chainwork }: Told): Promise<void> {
    const { kept, log, metrics } = this.#modules;
    const provider = this.#provider;
    // On disk first: whoever hears of the template may have a block of it a moment later.
    const failure = await kept.keep(template);
    if (failure !== undefined) log.error({ error: failure }, 'the disk takes no transactions: they are held in memory');
    const { body, currentTime, ...fields } = template;
    const payload = Template.encode({ provider, templateId, chainwork, curtime: currentTime, ...fields });
    await this.#append(subjectName('template', provider), payload);
    metrics.templates.inc();
    metrics.templateTransactions.set(template.transactionCount);
    metrics.templateFees.set(Number(template.fees));
    metrics.templateWeight.set(template.weight);
    log.debug({ height: template.height, transactions: template.transactionCount, bytes: body.length }, 'new template');
  }

  async #append(subject: string, payload: Uint8Array): Promise<void> {
    await this.#modules.bus.append('TEMPLATES', subject, payload, { timeoutMs: APPEND_TIMEOUT_MS });
  }
}

const display = (hash: Uint8Array) => Buffer.from(hash).reverse().toString('hex');
