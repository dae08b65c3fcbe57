// One client of template distribution: what it has asked for and what it was told. The socket itself is the server package's.
import type { Duplex } from 'node:stream';
import { compactToTarget, targetToBytes } from '@sluice/bitcoin/target';
import { PeerConnection, type PeerModules } from '@sluice/server/peer-connection';
import type { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { NewTemplate } from '@sluice/sv2/messages/template-distribution/new-template';
import { TemplateSetNewPrevHash } from '@sluice/sv2/messages/template-distribution/set-new-prev-hash';
import type { DistributionCounters } from './counters.ts';
import type { CloseReason, DistributionCloseReason } from './errors.ts';
import type { DistributionLimits } from './limits.ts';
import type { ToldTemplate } from './told-templates.ts';

/** What every client of the process shares. */
export interface ClientModules extends PeerModules<CloseReason> {
  readonly limits: DistributionLimits;
  readonly counters: DistributionCounters;
  /** One decrypted frame; `payload` is only valid during the call. */
  route(client: TemplateClient, extensionType: number, msgType: number, payload: Uint8Array): void;
  onClosed(client: TemplateClient): void;
}

export class TemplateClient extends PeerConnection<DistributionCloseReason> {
  /** Which reserve holds what it asked for; `undefined` before CoinbaseOutputConstraints. */
  reserve: number | undefined;
  /** It has told its constraints and got no template since. */
  waits = false;
  /** Newest id that it was told: ids only grow. */
  lastId = 0n;
  /** What it works on. */
  working: ToldTemplate | undefined;
  /** The template for the next height that it holds. */
  ahead: ToldTemplate | undefined;
  /** RequestTransactionData that wait for their answer, and the last of these answers. */
  pendingRequests = 0;
  answered: Promise<void> = Promise.resolve();
  readonly #modules: ClientModules;
  #openedAt = Number.POSITIVE_INFINITY;

  constructor(id: number, socket: Duplex, remoteAddress: string, modules: ClientModules) {
    super(id, socket, remoteAddress, modules);
    this.#modules = modules;
  }

  override opened(setup: SetupConnection): void {
    super.opened(setup);
    this.#openedAt = this.#modules.clock.monotonic();
  }

  override sweep(nowMs: number): void {
    const { constraintsDeadlineMs } = this.#modules.limits;
    if (this.isLive && this.reserve === undefined && nowMs - this.#openedAt >= constraintsDeadlineMs)
      this.end('constraints-timeout');
    else super.sweep(nowMs);
  }

  /** @param kind a `future` template waits for SetNewPrevHash; an `active` one is worked on at once. */
  newTemplate(told: ToldTemplate, kind: 'future' | 'active'): void {
    const { template } = told;
    this.lastId = told.id;
    if (kind === 'active') this.working = told;
    this.#modules.counters.newTemplates += 1;
    this.send(NewTemplate, {
      templateId: told.id,
      futureTemplate: kind === 'future',
      version: template.version,
      coinbaseTxVersion: template.coinbaseTxVersion,
      coinbasePrefix: template.coinbasePrefix,
      coinbaseTxInputSequence: template.coinbaseSequence,
      coinbaseTxValueRemaining: template.coinbaseValue,
      coinbaseTxOutputsCount: template.coinbaseOutputsCount,
      coinbaseTxOutputs: template.coinbaseOutputs,
      coinbaseTxLocktime: template.coinbaseLocktime,
      merklePath: [...template.merklePath],
    });
  }

  /** Activates a future template that it holds; every other future template is void then. @param headerTimestamp Unix seconds. */
  setNewPrevHash(told: ToldTemplate, headerTimestamp: number): void {
    const { prevHash, nbits } = told.template;
    this.working = told;
    this.ahead = undefined;
    this.waits = false;
    this.#modules.counters.setNewPrevHashes += 1;
    this.send(TemplateSetNewPrevHash, {
      templateId: told.id,
      prevHash,
      headerTimestamp,
      nBits: nbits,
      target: targetToBytes(compactToTarget(nbits)),
    });
  }

  protected onFrame(extensionType: number, msgType: number, payload: Uint8Array): void {
    this.#modules.route(this, extensionType, msgType, payload);
  }

  protected onLeft(): void {
    this.#modules.onClosed(this);
  }
}
