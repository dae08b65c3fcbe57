// Who is told of which template, and when: each client has the templates of its reserve. A tip is told at its first news with a block
// of the coinbase alone, where the news is enough for one, and the node's template follows; a better one of the same tip is told
// when it pays materially more, or after a while.
import type { Network } from '@sluice/bitcoin/network';
import { networkParameters } from '@sluice/bitcoin/network';
import { equalBytes } from '@sluice/bitcoin/serialize';
import type { Template } from '@sluice/bus/payloads/template';
import { type Clock, unixSeconds } from '@sluice/runtime/clock';
import type { Logger } from '@sluice/runtime/logger';
import { OutageLog } from '@sluice/runtime/outage-log';
import type { KeptTemplates } from '../kept-templates.ts';
import type { TipNews } from '../node-source.ts';
import type { CoinbaseReserve, PreparedTemplate } from '../prepare-template.ts';
import type { TemplateName } from '../template-store.ts';
import { canBeAhead, DEFAULT_VERSION, follows, onTip, templateAhead } from './empty-templates.ts';
import type { TemplateClient } from './template-client.ts';
import type { ToldTemplate, ToldTemplates } from './told-templates.ts';

/** A better template is never told sooner than this after the last one, whatever it pays. */
const MIN_REFRESH_MS = 5_000;
/** The transactions of the last tip's templates are given this long after a new tip: a client may be about to declare a job. */
const STALE_GRACE_MS = 10_000;

export interface ClientTemplatesOptions {
  readonly provider: string;
  readonly network: Network;
  /** As `reserveLadder` makes it. */
  readonly reserves: readonly CoinbaseReserve[];
  /** A newer template of the same tip is told after this long. */
  readonly refreshMs: number;
  /** It is told before that when it pays this many satoshis more. */
  readonly feeDelta: number;
  /** The template for the next height is told before the block is found, not with it. */
  readonly ahead: boolean;
}

export interface ClientTemplatesModules {
  readonly clock: Clock;
  readonly log: Logger;
  readonly kept: KeptTemplates;
  readonly told: ToldTemplates;
  readonly clients: ReadonlyMap<number, TemplateClient>;
  /** As `NodeSet.variant`. */
  variant(base: PreparedTemplate, reserve: CoinbaseReserve): Promise<PreparedTemplate | 'no-room' | undefined>;
  /** The transactions that clients may need; told when they are others. */
  onLive(live: readonly TemplateName[]): void;
  /** From the node's news of a tip to the last client told. */
  observeTip(seconds: number): void;
}

/** A node's template on the present tip. */
interface Offer {
  readonly template: PreparedTemplate;
  readonly chainwork: bigint;
  readonly node: string;
}

export class ClientTemplates {
  readonly #options: ClientTemplatesOptions;
  readonly #modules: ClientTemplatesModules;
  #tip: TipNews | undefined;
  #lastTip: TipNews | undefined;
  #tipAt = 0;
  /** A block of the coinbase alone on the present tip, where its news was enough for one. */
  #empty: Template | undefined;
  /** For the block above the next one; clients that it cannot be told to any more get another id of it. */
  #ahead: ToldTemplate | undefined;
  #newest: Offer | undefined;
  /** What clients are told: of it there is one template for each reserve in use. */
  #given: Offer | undefined;
  #givenAt = 0;
  /** The node had a newer template before `#given` was prepared for every reserve. */
  #overtaken = false;
  readonly #work = new Map<number, ToldTemplate>();
  readonly #making = new Set<number>();
  /** Of `#given`, by the number of their transactions: what is dropped is dropped from the end. */
  readonly #prepared = new Map<number, PreparedTemplate>();
  #version = DEFAULT_VERSION;
  #toldLive = '';
  readonly #noRoom: OutageLog;

  constructor(options: ClientTemplatesOptions, modules: ClientTemplatesModules) {
    this.#options = options;
    this.#modules = modules;
    this.#noRoom = new OutageLog(() => modules.clock.monotonic());
  }

  /** Reserves that clients ask for at present. */
  get reservesInUse(): number {
    return new Set(this.#active().map(({ reserve }) => reserve)).size;
  }

  tip(news: TipNews): void {
    const last = this.#tip;
    this.#lastTip = last;
    this.#tip = news;
    this.#tipAt = this.#modules.clock.monotonic();
    this.#newest = undefined;
    this.#given = undefined;
    this.#empty = undefined;
    this.#ahead = undefined;
    this.#forgetWork();
    if (last === undefined || !follows(news, last)) return;
    this.#empty = onTip(templateAhead(last, this.#version, this.#options.network), news);
    this.#tellEmpty(news, last);
  }

  /** A node's template, which may be the same as before. */
  template(template: PreparedTemplate, chainwork: bigint, node: string): void {
    if (this.#tip === undefined || !equalBytes(template.prevHash, this.#tip.hash)) return;
    this.#version = template.version;
    this.#newest = { template, chainwork, node };
    this.#refresh();
  }

  /** The client has told its constraints, perhaps once more: it is told of a template as if it had just come. */
  serve(client: TemplateClient): void {
    client.waits = true;
    const work = this.#work.get(client.reserve ?? 0);
    if (work !== undefined) this.#tellAgain(client, work);
    else if (this.#given !== undefined) this.#provide(client.reserve);
    else if (this.#empty !== undefined) this.#tellWork(client, this.#newTold(this.#empty));
  }

  /** To be called about once a second. */
  tick(): void {
    this.#refresh();
    // Where a newer template was announced by its node and has not come after all.
    if (this.#overtaken)
      for (const { reserve } of this.#active())
        if (reserve !== undefined && !this.#work.has(reserve)) this.#provide(reserve);
    this.#keepLive();
  }

  /** Whether a template is of an older tip, the last one's excepted for a moment. */
  isStale({ template }: ToldTemplate): boolean {
    if (this.#tip === undefined || equalBytes(template.prevHash, this.#tip.hash)) return false;
    const ofLast = this.#lastTip !== undefined && equalBytes(template.prevHash, this.#lastTip.hash);
    return !ofLast || this.#modules.clock.monotonic() - this.#tipAt >= STALE_GRACE_MS;
  }

  /** Clients with constraints. */
  #active(): TemplateClient[] {
    return [...this.#modules.clients.values()].filter(({ reserve, isLive }) => isLive && reserve !== undefined);
  }

  /** The tip to every client at once: by the template that it holds for it, or by one that is sent along. */
  #tellEmpty(news: TipNews, last: TipNews): void {
    const { clock, told } = this.#modules;
    let shared: ToldTemplate | undefined;
    const activated = new Set<ToldTemplate>();
    for (const client of this.#active()) {
      const { ahead } = client;
      if (ahead !== undefined && (activated.has(ahead) || equalBytes(ahead.template.prevHash, last.hash))) {
        if (!activated.has(ahead)) ahead.template = onTip(ahead.template, news);
        activated.add(ahead);
        client.setNewPrevHash(ahead, this.#headerTimestamp(ahead.template));
        this.#tellAhead(client, news);
      } else {
        shared ??= this.#newTold(this.#empty as Template);
        this.#tellAgain(client, shared);
      }
    }
    if (activated.size === 0 && shared === undefined) return;
    this.#modules.observeTip(clock.now() / 1_000 - Number(news.seenAtMicros) / 1e6);
    for (const ahead of activated) void told.save(ahead);
  }

  /** Takes the newest template for the one that clients are told, if it is time. */
  #refresh(): void {
    if (this.#newest === undefined || this.#newest.template === this.#given?.template || !this.#isDue(this.#newest))
      return;
    this.#given = this.#newest;
    this.#givenAt = this.#modules.clock.monotonic();
    this.#overtaken = false;
    this.#forgetWork();
    for (const client of this.#active()) this.#provide(client.reserve);
  }

  #forgetWork(): void {
    this.#work.clear();
    this.#making.clear();
    this.#prepared.clear();
  }

  #isDue(newest: Offer): boolean {
    const given = this.#given;
    // Another node's template comes when the first has gone: what it knows is the better guess.
    if (given === undefined || this.#overtaken || given.node !== newest.node) return true;
    if (given.template.nbits !== newest.template.nbits) return true;
    const { feeDelta, refreshMs } = this.#options;
    const pays = newest.template.coinbaseValue >= given.template.coinbaseValue + BigInt(feeDelta);
    const age = this.#modules.clock.monotonic() - this.#givenAt;
    return age >= (pays ? Math.min(MIN_REFRESH_MS, refreshMs) : refreshMs);
  }

  /** Has the template of a reserve prepared and stored, unless that is under way; then its clients are told. */
  #provide(reserve: number | undefined): void {
    if (reserve === undefined || this.#given === undefined || this.#making.has(reserve)) return;
    this.#making.add(reserve);
    this.#make(reserve, this.#given).catch((error: unknown) =>
      this.#modules.log.error({ error }, 'a template could not be prepared for clients'),
    );
  }

  async #make(reserve: number, given: Offer): Promise<void> {
    const { kept, told, log, variant } = this.#modules;
    const room = this.#options.reserves[reserve];
    const template = reserve === 0 || room === undefined ? given.template : await variant(given.template, room);
    if (this.#given !== given) return;
    if (template === 'no-room') {
      this.#making.delete(reserve);
      this.#refuse(reserve, room);
      return;
    }
    if (template === undefined) {
      this.#overtaken = true;
      this.#making.delete(reserve);
      this.#refresh();
      return;
    }
    const same = this.#prepared.get(template.transactionCount) ?? template;
    this.#prepared.set(template.transactionCount, same);
    // Whoever hears of a template may have a block of it a moment later.
    const failure = await kept.keep(same);
    if (failure !== undefined) log.error({ error: failure }, 'the disk takes no transactions: they are held in memory');
    if (this.#given !== given) return;
    const work = { id: kept.nextId(), template: this.#payload(same, given.chainwork) };
    await told.add(work);
    if (this.#given !== given) return;
    this.#work.set(reserve, work);
    this.#making.delete(reserve);
    for (const client of this.#active()) if (client.reserve === reserve) this.#tellAgain(client, work);
  }

  /** Whoever asks for more room than can be made gets no template without it, and no other answer [sv2 7.1]. */
  #refuse(reserve: number, room: CoinbaseReserve | undefined): void {
    const message =
      'clients of template distribution need more room than the templates of another server leave: raise coinbaseOutputsSize and coinbaseOutputsSigops';
    this.#modules.log[this.#noRoom.level()]({ ...room }, message);
    for (const client of this.#active())
      if (client.reserve === reserve) client.end('constraints-above-source', JSON.stringify(room));
  }

  /** Ids only grow for a client, also when it comes to a template that is older than what it was told. */
  #tellAgain(client: TemplateClient, work: ToldTemplate): void {
    this.#tellWork(client, work.id > client.lastId ? work : this.#newTold(work.template));
  }

  /** As an update of what the client works on; as the template of a tip, where it has none of the tip and target, or begins anew. */
  #tellWork(client: TemplateClient, work: ToldTemplate): void {
    const { prevHash, nbits } = client.working?.template ?? {};
    const isUpdate =
      prevHash !== undefined && equalBytes(prevHash, work.template.prevHash) && nbits === work.template.nbits;
    client.newTemplate(work, isUpdate && !client.waits ? 'active' : 'future');
    if (client.working === work) return;
    client.setNewPrevHash(work, this.#headerTimestamp(work.template));
    if (this.#tip !== undefined) this.#tellAhead(client, this.#tip);
  }

  #tellAhead(client: TemplateClient, tip: TipNews): void {
    const { ahead, network } = this.#options;
    if (!ahead || !canBeAhead(tip, network)) return;
    if (this.#ahead === undefined || this.#ahead.id <= client.lastId)
      this.#ahead = this.#newTold(templateAhead(tip, this.#version, network));
    client.newTemplate(this.#ahead, 'future');
    client.ahead = this.#ahead;
  }

  /** Under an id of its own; on disk in a moment. */
  #newTold(template: Template): ToldTemplate {
    const { kept, told } = this.#modules;
    const added = { id: kept.nextId(), template };
    void told.add(added);
    return added;
  }

  #payload(template: PreparedTemplate, chainwork: bigint): Template {
    const { body: _, currentTime: curtime, ...fields } = template;
    const { provider } = this.#options;
    return { provider, templateId: this.#modules.kept.idOf(template), chainwork, curtime, ...fields };
  }

  /** Where the target depends on the time, the time that the node made the template for; else now. */
  #headerTimestamp({ minNtime, curtime }: Template): number {
    const { minimumDifficultyBlocks } = networkParameters[this.#options.network];
    return Math.max(minNtime, minimumDifficultyBlocks ? curtime : unixSeconds(this.#modules.clock));
  }

  #keepLive(): void {
    const live = new Map<bigint, ToldTemplate>();
    const add = (told: ToldTemplate | undefined) => told !== undefined && live.set(told.id, told);
    for (const work of this.#work.values()) add(work);
    for (const { working, ahead } of this.#active()) {
      add(working);
      add(ahead);
    }
    void this.#modules.told.keep(new Set(live.keys()));
    const names = [...live.values()].map(({ template }) => template).filter(({ templateId }) => templateId !== 0n);
    const key = names.map(({ templateId }) => templateId).join();
    if (key === this.#toldLive) return;
    this.#toldLive = key;
    this.#modules.onLive(names);
  }
}
