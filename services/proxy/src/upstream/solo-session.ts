// One connection to the farm's own node, by Template Distribution [sv2 7]: templates in, blocks out. Shares stay here, but for those that are
// blocks.
import type { Duplex } from 'node:stream';
import type { ServerUrl } from '@sluice/client/server-url';
import { TemplateConnection, type TemplateHandlers } from '@sluice/client/template-connection';
import type { Clock } from '@sluice/runtime/clock';
import { RequestTransactionData } from '@sluice/sv2/messages/template-distribution/request-transaction-data';
import { SubmitSolution } from '@sluice/sv2/messages/template-distribution/submit-solution';
import { UpstreamError, upstreamErrorOf } from './errors.ts';
import { Liveness } from './liveness.ts';
import { FIRST_WORK_MS, type SessionListener, type SessionModules } from './session.ts';
import type { SoloBlocks } from './solo-blocks.ts';
import { constraintsOf, SOLO_PREFIX_SIZE, type SoloPayout, SoloWork } from './solo-work.ts';
import type { ShareOwner, UpstreamLink, UpstreamShare, UpstreamWork } from './upstream-work.ts';

/** No template has this id: asking for its transactions is the one question that costs nothing and is always answered [sv2 7.6]. */
export const NO_TEMPLATE = 0xffff_ffff_ffff_ffffn;

export interface SoloSessionOptions {
  readonly url: ServerUrl;
  readonly payout: SoloPayout;
  /** Of the node, over its connections. */
  readonly blocks: SoloBlocks;
}

export class SoloSession implements UpstreamLink {
  readonly keepsBlocks = true;
  readonly #connection: TemplateConnection;
  readonly #blocks: SoloBlocks;
  readonly #listener: SessionListener;
  readonly #clock: Clock;
  readonly #liveness: Liveness;
  readonly #templates: SoloWork;
  readonly #openedMs: number;
  #takesBlocks = false;
  #isClosed = false;

  /** Handshake on a connected stream, then all the rest by itself. @throws ClientError `client-handshake-failed`; the stream is closed then. */
  static async open(
    stream: Duplex,
    options: SoloSessionOptions,
    listener: SessionListener,
    modules: SessionModules,
  ): Promise<SoloSession> {
    const { url, payout } = options;
    const constraints = constraintsOf(payout);
    const connection = await TemplateConnection.open(stream, { url, constraints }, modules);
    return new SoloSession(connection, options, listener, modules);
  }

  private constructor(
    connection: TemplateConnection,
    { payout, blocks }: SoloSessionOptions,
    listener: SessionListener,
    { clock, random }: SessionModules,
  ) {
    this.#connection = connection;
    this.#blocks = blocks;
    this.#listener = listener;
    this.#clock = clock;
    this.#openedMs = clock.monotonic();
    this.#liveness = new Liveness(this.#openedMs);
    this.#templates = new SoloWork(this, payout, random(SOLO_PREFIX_SIZE));
    void connection.closed.then((reason) => this.#onClosed(reason));
    connection.receive(this.#handlers());
  }

  get isOpen(): boolean {
    return !this.#isClosed;
  }

  /** `undefined` before the first tip. */
  get work(): UpstreamWork | undefined {
    return this.#templates.work;
  }

  /** Blocks that the node may not have. */
  get sharesInFlight(): number {
    return this.#blocks.size;
  }

  /** A block; it is kept for the next connection where this one has ended. Nobody will say more of it than was found here, so it is answered at once. */
  submit(share: UpstreamShare, owner: ShareOwner | undefined, request: string): void {
    const block = this.#templates.blockOf(share);
    if (block === undefined) return;
    this.#blocks.add(block, this.#clock.monotonic());
    owner?.answered(request, '');
  }

  /** Called several times a second. */
  tick(): void {
    if (this.#isClosed) return;
    const now = this.#clock.monotonic();
    if (this.work === undefined && now - this.#openedMs >= FIRST_WORK_MS) {
      this.close(new UpstreamError('upstream-silent', `no template within ${FIRST_WORK_MS / 1_000} s`));
      return;
    }
    const verdict = this.#liveness.check(now, this.#blocks.oldestSentMs);
    if (verdict === 'probe') this.#probe();
    if (verdict === 'silent') this.close(new UpstreamError('upstream-silent', 'it says nothing any more'));
  }

  close(reason: UpstreamError): void {
    this.#connection.close(reason);
    this.#onClosed(reason);
  }

  #handlers(): TemplateHandlers {
    return {
      setUp: () => this.#onSetUp(),
      newTemplate: (template) => this.#onWork((now) => this.#templates.addTemplate(template, now)),
      setNewPrevHash: (tip) => {
        this.#blocks.tip(tip.prevHash);
        return this.#onWork((now) => this.#templates.setNewPrevHash(tip, now));
      },
      transactions: () => 'nobody asked',
      noTransactions: () => {
        this.#liveness.received(this.#clock.monotonic());
        this.#liveness.probeAnswered();
        return undefined;
      },
    };
  }

  #onSetUp(): void {
    const now = this.#clock.monotonic();
    this.#liveness.received(now);
    this.#takesBlocks = true;
    this.#blocks.connected((solution) => this.#connection.send(SubmitSolution, solution), now);
    this.#probe();
  }

  #probe(): void {
    this.#connection.send(RequestTransactionData, { templateId: NO_TEMPLATE });
  }

  #onWork(take: (nowMs: number) => string | undefined): string | undefined {
    const now = this.#clock.monotonic();
    this.#liveness.received(now);
    const before = this.work;
    const fault = take(now);
    const { work } = this;
    if (fault === undefined && work !== undefined && work !== before && !this.#isClosed) this.#listener.onWork(work);
    return fault;
  }

  #onClosed(reason: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // Another connection may be there already.
    if (this.#takesBlocks) this.#blocks.disconnected();
    this.#listener.onClosed(upstreamErrorOf(reason), undefined);
  }
}
