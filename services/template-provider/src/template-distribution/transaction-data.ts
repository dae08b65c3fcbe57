// RequestTransactionData [sv2 7.4]: the transactions of a template that was told, one answer after the other.
import type { Logger } from '@sluice/runtime/logger';
import type { RequestTransactionData } from '@sluice/sv2/messages/template-distribution/request-transaction-data';
import { RequestTransactionDataError } from '@sluice/sv2/messages/template-distribution/request-transaction-data-error';
import { RequestTransactionDataSuccess } from '@sluice/sv2/messages/template-distribution/request-transaction-data-success';
import type { DistributionCounters, RequestOutcome } from './counters.ts';
import { type DistributionLimits, TRANSACTION_DATA_CHARGE } from './limits.ts';
import type { TemplateClient } from './template-client.ts';
import type { ToldTemplate, ToldTemplates } from './told-templates.ts';

const DRAIN_POLL_MS = 20;

export interface TransactionDataModules {
  readonly log: Logger;
  readonly limits: DistributionLimits;
  readonly counters: DistributionCounters;
  readonly told: ToldTemplates;
  isStale(told: ToldTemplate): boolean;
  /** As `TemplateBodies.transactions`. */
  transactions(provider: string, templateId: bigint): Promise<Uint8Array[] | undefined>;
  sleep(ms: number): Promise<void>;
}

export class TransactionData {
  readonly #modules: TransactionDataModules;

  constructor(modules: TransactionDataModules) {
    this.#modules = modules;
  }

  request(client: TemplateClient, { templateId }: RequestTransactionData): void {
    const { limits, log } = this.#modules;
    client.charge(TRANSACTION_DATA_CHARGE);
    if (client.pendingRequests >= limits.pendingRequests) {
      client.end('too-many-requests');
      return;
    }
    client.pendingRequests += 1;
    client.answered = client.answered
      .then(() => this.#answer(client, templateId))
      .catch((error: unknown) => {
        log.error({ error }, 'the transactions of a template could not be read');
        this.#refuse(client, templateId, 'template-id-not-found');
      })
      .finally(() => {
        client.pendingRequests -= 1;
      });
  }

  async #answer(client: TemplateClient, templateId: bigint): Promise<void> {
    const { told: templates, isStale, counters } = this.#modules;
    await this.#drained(client);
    const told = templates.get(templateId);
    if (told === undefined) return this.#refuse(client, templateId, 'template-id-not-found');
    if (isStale(told)) return this.#refuse(client, templateId, 'stale-template-id');
    const transactionList = await this.#transactions(told);
    if (!client.isLive) return;
    if (transactionList === undefined) return this.#refuse(client, templateId, 'template-id-not-found');
    counters.requests.served += 1;
    client.send(RequestTransactionDataSuccess, { templateId, excessData: new Uint8Array(0), transactionList });
  }

  async #transactions({ template }: ToldTemplate): Promise<Uint8Array[] | undefined> {
    if (template.templateId === 0n) return [];
    return this.#modules.transactions(template.provider, template.templateId);
  }

  #refuse(client: TemplateClient, templateId: bigint, errorCode: Exclude<RequestOutcome, 'served'>): void {
    if (!client.isLive) return;
    this.#modules.counters.requests[errorCode] += 1;
    this.#modules.log.debug({ connection: client.id, templateId: String(templateId), errorCode }, 'no transactions');
    client.send(RequestTransactionDataError, { templateId, errorCode });
  }

  /** One template's transactions wait for a slow reader at a time. */
  async #drained(client: TemplateClient): Promise<void> {
    const { limits, sleep } = this.#modules;
    while (client.isLive && client.writer.queuedBytes > limits.drainedBytes) await sleep(DRAIN_POLL_MS);
  }
}
