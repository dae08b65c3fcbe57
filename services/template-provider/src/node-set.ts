// Several nodes as one: the tip with most chainwork wins, where one is unknown the greater height; ties stay, never backwards.
// Templates come from the first node of the list that is well and on that tip, so that work returns to it when it is back.
import { isBetterTip } from '@sluice/bitcoin/chain-tip';
import { equalBytes } from '@sluice/bitcoin/serialize';
import type { NodeListener, NodeSource, NodeTrouble, TipNews, TipOrigin } from './node-source.ts';
import type { CoinbaseReserve, PreparedTemplate } from './prepare-template.ts';

export interface NodeSetListener {
  onTip(news: TipNews, node: string, origin: TipOrigin): void;
  /** The same template may be offered again, when its node gives work again. */
  onTemplate(template: PreparedTemplate, chainwork: bigint, node: string): void;
  onNodeHealth(node: string, trouble: NodeTrouble | undefined, detail: string): void;
  /** Another node gives the templates now; `undefined`: none does. */
  onActiveNode(node: string | undefined): void;
}

interface NodeState {
  readonly source: NodeSource;
  trouble: NodeTrouble | undefined;
  tip: TipNews | undefined;
  template: PreparedTemplate | undefined;
}

export class NodeSet {
  readonly #nodes: readonly NodeState[];
  readonly #listener: NodeSetListener;
  #best: TipNews | undefined;
  #active: NodeState | undefined;

  /** In order of preference. */
  constructor(sources: readonly NodeSource[], listener: NodeSetListener) {
    this.#nodes = sources.map((source) => ({ source, trouble: undefined, tip: undefined, template: undefined }));
    this.#listener = listener;
  }

  get sources(): readonly NodeSource[] {
    return this.#nodes.map(({ source }) => source);
  }

  /** The best tip known; a node that lost it does not take it back. */
  get tip(): TipNews | undefined {
    return this.#best;
  }

  get activeNode(): string | undefined {
    return this.#active?.source.name;
  }

  /** Nodes that give work, of all. */
  get wellNodes(): number {
    return this.#nodes.filter(({ trouble, tip }) => trouble === undefined && tip !== undefined).length;
  }

  /** The trouble of each node that has one. */
  get troubles(): readonly { readonly node: string; readonly trouble: NodeTrouble }[] {
    return this.#nodes.flatMap(({ source, trouble }) =>
      trouble === undefined ? [] : [{ node: source.name, trouble }],
    );
  }

  /** Why each node that gives no work does not, for people. */
  get reasons(): readonly string[] {
    return this.#nodes.flatMap((node) => {
      const reason = this.#reason(node);
      return reason === undefined ? [] : [`${node.source.name}: ${reason}`];
    });
  }

  /** As `NodeSource.variant`, of whichever node gave the template. */
  async variant(base: PreparedTemplate, reserve: CoinbaseReserve): Promise<PreparedTemplate | 'no-room' | undefined> {
    const node = this.#nodes.find(({ template }) => template === base);
    return node?.source.variant(base, reserve);
  }

  async start(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.source.start(this.#listen(node))));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map(({ source }) => source.stop()));
  }

  #reason({ trouble, tip, template }: NodeState): string | undefined {
    if (trouble !== undefined) return trouble;
    if (tip === undefined || this.#best === undefined) return 'its tip is not known yet';
    if (Buffer.compare(tip.hash, this.#best.hash) !== 0) {
      return `it is at height ${tip.height}, the pool on a better one at ${this.#best.height}`;
    }
    if (template === undefined || Buffer.compare(template.prevHash, tip.hash) !== 0) {
      return `no template on height ${tip.height} yet`;
    }
    return undefined;
  }

  #listen(node: NodeState): NodeListener {
    return {
      onTip: (news, origin) => {
        node.tip = news;
        if (this.#best === undefined || isBetterTip(news, this.#best)) {
          this.#best = news;
          this.#listener.onTip(news, node.source.name, origin);
        } else if (this.#best.chainwork === 0n && equalBytes(news.hash, this.#best.hash)) {
          // Who told of it first could not tell its work.
          this.#best = news;
        }
        this.#choose(undefined);
      },
      onTemplate: (template) => {
        node.template = template;
        this.#choose(node);
      },
      onHealth: (trouble, detail) => {
        node.trouble = trouble;
        this.#listener.onNodeHealth(node.source.name, trouble, detail);
        this.#choose(undefined);
      },
    };
  }

  /** Elects the node that gives templates; offers its template when the election or the template is new. */
  #choose(renewed: NodeState | undefined): void {
    const next = this.#nodes.find((node) => this.#givesWork(node)) ?? this.#activeOnNewTip();
    if (next !== this.#active) {
      this.#active = next;
      this.#listener.onActiveNode(next?.source.name);
      if (next !== undefined) this.#offer(next);
    } else if (next !== undefined && next === renewed) {
      this.#offer(next);
    }
  }

  #givesWork({ trouble, template }: NodeState): boolean {
    return (
      trouble === undefined &&
      template !== undefined &&
      this.#best !== undefined &&
      Buffer.compare(template.prevHash, this.#best.hash) === 0
    );
  }

  /** The active node, when it is well and has the best tip, but has not come to a template on it yet: a matter of moments. */
  #activeOnNewTip(): NodeState | undefined {
    const { trouble, tip } = this.#active ?? {};
    if (trouble !== undefined || tip === undefined || this.#best === undefined) return undefined;
    return Buffer.compare(tip.hash, this.#best.hash) === 0 ? this.#active : undefined;
  }

  #offer(node: NodeState): void {
    const { template, source } = node;
    if (template !== undefined && this.#best !== undefined && this.#givesWork(node)) {
      this.#listener.onTemplate(template, this.#best.chainwork, source.name);
    }
  }
}
