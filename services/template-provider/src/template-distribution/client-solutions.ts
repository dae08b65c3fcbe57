// SubmitSolution [sv2 7.7]: from what a client found to a header and a coinbase that every node is given. Whether the block is a good
// one the nodes decide; here only what has no work is held back, and what looks wrong is said.
import { witnessCoinbase } from '@sluice/bitcoin/coinbase';
import { sha256d } from '@sluice/bitcoin/hash';
import { encodeHeader } from '@sluice/bitcoin/header';
import { foldMerklePath } from '@sluice/bitcoin/merkle';
import { decodeTransaction, type Transaction } from '@sluice/bitcoin/transaction';
import type { Solution } from '@sluice/bus/payloads/solution';
import type { Template } from '@sluice/bus/payloads/template';
import { type Clock, unixMicros } from '@sluice/runtime/clock';
import type { Logger } from '@sluice/runtime/logger';
import { OutageLog } from '@sluice/runtime/outage-log';
import type { SubmitSolution } from '@sluice/sv2/messages/template-distribution/submit-solution';
import type { WorkFault } from '../required-work.ts';
import { coinbaseFault } from './coinbase-fault.ts';
import type { DistributionCounters, SolutionOutcome } from './counters.ts';
import type { TemplateClient } from './template-client.ts';
import type { ToldTemplates } from './told-templates.ts';

export interface ClientSolutionsModules {
  readonly clock: Clock;
  readonly log: Logger;
  readonly counters: DistributionCounters;
  readonly told: ToldTemplates;
  /** What the header lacks in work. */
  workFault(header: Uint8Array, hash: Uint8Array): WorkFault | undefined;
  /** To every node and into the stream; returns at once. */
  submit(solution: Solution): void;
}

export class ClientSolutions {
  readonly #modules: ClientSolutionsModules;
  readonly #noBlock: OutageLog;

  constructor(modules: ClientSolutionsModules) {
    this.#modules = modules;
    this.#noBlock = new OutageLog(() => modules.clock.monotonic());
  }

  submit(client: TemplateClient, message: SubmitSolution): void {
    const { log, counters } = this.#modules;
    const { outcome, detail } = this.#handle(message);
    counters.solutions[outcome] += 1;
    const fields = { connection: client.id, templateId: String(message.templateId), outcome, ...detail };
    if (outcome === 'submitted') log.info(fields, 'a client found a block');
    // A block may be lost here: of a template that we once told, or with a coinbase that is not the one that was hashed. Nothing tells it
    // from garbage, of which a client may send as much as it likes.
    else log[this.#noBlock.level()](fields, 'a solution of a client is no block');
  }

  #handle(message: SubmitSolution): { readonly outcome: SolutionOutcome; readonly detail?: object } {
    const { clock, log, told, workFault, submit } = this.#modules;
    const template = told.get(message.templateId)?.template;
    if (template === undefined || template.nbits === 0) return { outcome: 'template-unknown' };
    const coinbase = decodeTransaction(message.coinbaseTx);
    if (coinbase === undefined) return { outcome: 'malformed-coinbase' };
    const header = headerOf(message, template, coinbase);
    const hash = sha256d(header);
    const lacks = workFault(header, hash);
    if (lacks !== undefined) return { outcome: 'no-work', detail: { lacks } };
    const shown = { hash: Buffer.from(hash).reverse().toString('hex'), height: template.height };
    const fault = coinbaseFault(coinbase, template);
    if (fault !== undefined)
      log.warn({ ...shown, fault }, 'a coinbase is not what its template asks for: nodes may refuse the block');
    submit({
      hash,
      jobId: 0,
      provider: template.templateId === 0n ? '' : template.provider,
      templateId: template.templateId,
      header,
      coinbase: withWitness(coinbase),
      identity: '',
      worker: '',
      incarnation: 0n,
      foundAtMicros: unixMicros(clock),
    });
    return { outcome: 'submitted', detail: shown };
  }
}

const headerOf = (message: SubmitSolution, template: Template, { txid }: Transaction): Uint8Array =>
  encodeHeader({
    version: message.version,
    prevHash: template.prevHash,
    merkleRoot: foldMerklePath(txid, template.merklePath),
    ntime: message.headerTimestamp,
    nbits: template.nbits,
    nonce: message.headerNonce,
  });

/** A client must send the witness [sv2 7.7]; one that forgot it is not to lose a block for 36 bytes that are always the same. */
function withWitness({ bytes, inputs, weight, size }: Transaction): Uint8Array {
  const isCoinbase =
    inputs.length === 1 && inputs[0]?.prevIndex === 0xffff_ffff && inputs[0].prevTxid.every((byte) => byte === 0);
  return isCoinbase && weight === 4 * size ? witnessCoinbase(bytes) : bytes;
}
