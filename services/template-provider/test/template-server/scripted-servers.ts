// A source of work over servers that a test plays: each connection is another one, in memory, and all that the source tells is kept.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { CoinbaseOutputConstraints } from '@sluice/sv2/messages/template-distribution/coinbase-output-constraints';
import type { NewTemplate } from '@sluice/sv2/messages/template-distribution/new-template';
import { NewTemplate as NewTemplateMessage } from '@sluice/sv2/messages/template-distribution/new-template';
import { RequestTransactionData } from '@sluice/sv2/messages/template-distribution/request-transaction-data';
import { RequestTransactionDataSuccess } from '@sluice/sv2/messages/template-distribution/request-transaction-data-success';
import { TemplateSetNewPrevHash } from '@sluice/sv2/messages/template-distribution/set-new-prev-hash';
import { onTestFinished, vi } from 'vitest';
import { authorityKey, FakeServer, modules } from '../../../../packages/client/test/support/fake-server.ts';
import type { NodeListener, NodeTrouble, TipNews, TipOrigin } from '../../src/node-source.ts';
import type { PreparedTemplate } from '../../src/prepare-template.ts';
import { TemplateServerNode, type TemplateServerOptions } from '../../src/template-server/template-server-node.ts';
import { newTemplate, newTip, transaction } from './told-templates.ts';

export const reserve = { outputsSize: 1_000, outputsSigops: 16 };
const WAIT_MS = 5_000;

type Script = (server: ScriptedServer) => void;
/** What a server does when the constraints have come, or from the connection on; `refused`: no connection. */
export type Scene = Script | { readonly fromStart: Script } | 'refused';

export class ScriptedServer extends FakeServer {
  tell(template: NewTemplate): void {
    this.send(NewTemplateMessage, template);
  }

  tip(templateId: number, changes: Partial<TemplateSetNewPrevHash> = {}): void {
    this.send(TemplateSetNewPrevHash, newTip(templateId, changes));
  }

  give(templateId: number, transactionList: Uint8Array[]): void {
    this.send(RequestTransactionDataSuccess, {
      ...{ templateId: BigInt(templateId), excessData: new Uint8Array(0) },
      transactionList,
    });
  }

  /** Answers questions for the transactions of these templates, and no others. */
  serve(transactions: Readonly<Record<number, Uint8Array[]>>): void {
    this.on(RequestTransactionData, ({ templateId }) => {
      const of = transactions[Number(templateId)];
      if (of !== undefined) this.give(Number(templateId), of);
    });
  }

  /** A tip with a template of these transactions, which it gives. */
  begin(id: number, transactions: Uint8Array[], tip: Partial<TemplateSetNewPrevHash> = {}, height?: number): void {
    this.serve({ [id]: transactions });
    this.tell(newTemplate(id, transactions, { futureTemplate: true, ...(height === undefined ? {} : { height }) }));
    this.tip(id, tip);
  }

  asked(): number[] {
    return this.all(RequestTransactionData).map(({ templateId }) => Number(templateId));
  }
}

export class Scripted {
  readonly node: TemplateServerNode;
  readonly directory = mkdtempSync(join(tmpdir(), 'sluice-server-'));
  readonly failures: unknown[] = [];
  readonly servers: ScriptedServer[] = [];
  readonly tips: (TipNews & { readonly origin: TipOrigin })[] = [];
  readonly templates: PreparedTemplate[] = [];
  readonly health: { readonly trouble: NodeTrouble | undefined; readonly detail: string }[] = [];
  /** What happened, in order. */
  readonly told: string[] = [];
  /** Before each further attempt, in milliseconds. */
  readonly waits: number[] = [];
  readonly #scenes: Scene[];

  /** One for each connection; after the last one none comes about. */
  constructor(scenes: readonly Scene[], options: Partial<TemplateServerOptions> = {}) {
    this.#scenes = [...scenes];
    const url = { host: 'provider.example', port: 8442, authorityKey };
    this.node = new TemplateServerNode(
      { url, network: 'regtest', reserve, directory: this.directory, ...options },
      {
        ...modules,
        connect: (_host, _port, signal) => this.#connect(signal),
        sleep: async (ms) => void this.waits.push(ms),
        onFailure: (error) => void this.failures.push(error),
      },
    );
    onTestFinished(async () => {
      await this.node.stop();
      rmSync(this.directory, { recursive: true, force: true });
    });
  }

  get server(): ScriptedServer {
    return this.servers.at(-1)!;
  }

  start(): Promise<void> {
    const listener: NodeListener = {
      onTip: (news, origin) => {
        this.tips.push({ ...news, origin });
        this.told.push(`tip ${news.hash[0]}`);
      },
      onTemplate: (template) => {
        this.templates.push(template);
        this.told.push(`template of ${template.transactionCount} on ${template.prevHash[0]}`);
      },
      onHealth: (trouble, detail) => {
        this.health.push({ trouble, detail });
        this.told.push(trouble ?? 'well');
      },
    };
    return this.node.start(listener);
  }

  /** Resolves when the last word is this one. */
  async until(word: string): Promise<void> {
    await this.eventually(
      () => this.told.at(-1) === word,
      () => `not "${word}" at the end of: ${this.told.join(', ')}`,
    );
  }

  /** Turns of the event loop, so that timers may stand still. */
  async eventually(condition: () => boolean, failure: () => string = () => `${condition}`): Promise<void> {
    const deadline = performance.now() + WAIT_MS;
    while (!condition()) {
      if (performance.now() > deadline) throw new Error(failure());
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #connect(signal: AbortSignal): Promise<Duplex> {
    const scene = this.#scenes.shift();
    if (scene === 'refused') return Promise.reject(new Error('connect ECONNREFUSED'));
    if (scene === undefined)
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));
    const server = new ScriptedServer();
    this.servers.push(server);
    if ('fromStart' in scene) scene.fromStart(server);
    else server.on(CoinbaseOutputConstraints, () => scene(server));
    return Promise.resolve(server.stream);
  }
}

/** Started on one server, which has told a tip and a template of `transaction(1)`. */
export async function begun(script: Script = (server) => server.begin(1, [transaction(1)])): Promise<Scripted> {
  const scripted = new Scripted([script]);
  await scripted.start();
  await scripted.until('well');
  return scripted;
}

/** The clock of timers alone: streams go on by themselves. */
export const holdTimers = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
