// A client of template distribution, and blocks made of what it was told.
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { buildCoinbase, coinbaseTxid, witnessCoinbase } from '@sluice/bitcoin/coinbase';
import { sha256d } from '@sluice/bitcoin/hash';
import { encodeHeader } from '@sluice/bitcoin/header';
import { foldMerklePath } from '@sluice/bitcoin/merkle';
import { concatBytes } from '@sluice/bitcoin/serialize';
import { meetsTarget } from '@sluice/bitcoin/target';
import type { InitiatorOptions } from '@sluice/noise/initiator';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { CoinbaseOutputConstraints } from '@sluice/sv2/messages/template-distribution/coinbase-output-constraints';
import { NewTemplate } from '@sluice/sv2/messages/template-distribution/new-template';
import { TemplateSetNewPrevHash } from '@sluice/sv2/messages/template-distribution/set-new-prev-hash';
import type { SubmitSolution } from '@sluice/sv2/messages/template-distribution/submit-solution';
import { shown, TestPeer } from '../../../../packages/server/test/support/test-peer.ts';

/** A template and the tip that it was told for. */
export interface Work {
  readonly template: NewTemplate;
  readonly tip: TemplateSetNewPrevHash;
}

const PAYOUT = Uint8Array.of(0x00, 0x14, ...new Uint8Array(20).fill(9));

export class TestTemplateClient extends TestPeer {
  constructor(socket: Duplex, options: Omit<InitiatorOptions, 'maxPayload' | 'random'>, waitMs?: number) {
    super(socket, { ...options, random: (length) => new Uint8Array(randomBytes(length)) }, waitMs);
  }

  async setup(overrides: Partial<SetupConnection> = {}): Promise<void> {
    this.send(SetupConnection, setupConnection(overrides));
    await this.expect(SetupConnectionSuccess);
  }

  constrain(size: number, sigops = 0): void {
    this.send(CoinbaseOutputConstraints, {
      coinbaseOutputMaxAdditionalSize: size,
      coinbaseOutputMaxAdditionalSigops: sigops,
    });
  }

  /** A template for a tip: a future template and the SetNewPrevHash that names it. */
  async begin(): Promise<Work> {
    const template = await this.expect(NewTemplate);
    const tip = await this.expect(TemplateSetNewPrevHash);
    if (!template.futureTemplate || tip.templateId !== template.templateId)
      throw new Error(`no beginning: ${shown({ template, tip })}`);
    return { template, tip };
  }

  /** Another template for the same tip. */
  async update({ tip }: Work): Promise<Work> {
    const template = await this.expect(NewTemplate);
    if (template.futureTemplate) throw new Error(`no update: ${shown(template)}`);
    return { template, tip };
  }
}

export function setupConnection(overrides: Partial<SetupConnection> = {}): SetupConnection {
  return {
    protocol: 2,
    minVersion: 2,
    maxVersion: 2,
    flags: 0,
    endpointHost: 'provider.example',
    endpointPort: 8442,
    vendor: 'test',
    hardwareVersion: '',
    firmware: '',
    deviceId: '',
    ...overrides,
  };
}

export interface SolutionOptions {
  readonly coinbase?: Partial<Parameters<typeof buildCoinbase>[0]>;
  /** Without the fields of BIP141. */
  readonly stripped?: boolean;
  /** A hash above the target instead of one that meets it. */
  readonly withoutWork?: boolean;
}

/** What a client of this work submits, and the hash of its block. */
export function solve(
  { template, tip }: Work,
  options: SolutionOptions = {},
): { readonly solution: SubmitSolution; readonly hash: Uint8Array } {
  const { prefix, suffix } = buildCoinbase({
    version: template.coinbaseTxVersion,
    coinbasePrefix: template.coinbasePrefix,
    tag: Buffer.from('client'),
    extranonceSize: 20,
    sequence: template.coinbaseTxInputSequence,
    locktime: template.coinbaseTxLocktime,
    outputs: [{ value: template.coinbaseTxValueRemaining, script: PAYOUT }],
    trailingOutputs: { count: template.coinbaseTxOutputsCount, bytes: template.coinbaseTxOutputs },
    ...options.coinbase,
  });
  const stripped = concatBytes(prefix, new Uint8Array(randomBytes(20)), suffix);
  const fields = {
    version: template.version,
    prevHash: tip.prevHash,
    merkleRoot: foldMerklePath(coinbaseTxid(stripped), template.merklePath),
    ntime: tip.headerTimestamp,
    nbits: tip.nBits,
  };
  for (let nonce = 0; ; nonce += 1) {
    const hash = sha256d(encodeHeader({ ...fields, nonce }));
    if (meetsTarget(hash, tip.target) === (options.withoutWork ?? false)) continue;
    const solution = {
      templateId: template.templateId,
      version: template.version,
      headerTimestamp: tip.headerTimestamp,
      headerNonce: nonce,
      coinbaseTx: options.stripped === true ? stripped : witnessCoinbase(stripped),
    };
    return { solution, hash };
  }
}
