// Whatever a server tells in whatever order: nothing is thrown, little is held, and what is offered is right.
import { equalBytes } from '@sluice/bitcoin/serialize';
import type { NewTemplate } from '@sluice/sv2/messages/template-distribution/new-template';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { TipNews } from '../../src/node-source.ts';
import type { PreparedTemplate } from '../../src/prepare-template.ts';
import { decodeTemplateBody } from '../../src/template-body.ts';
import { KnownTips } from '../../src/template-server/known-tips.ts';
import { HOLD_BACK_MS, ServerTemplates, TEMPLATES_BOUND } from '../../src/template-server/server-templates.ts';
import { ToldWork } from '../../src/template-server/told-work.ts';
import { HEIGHT, hash, newTemplate, newTip, TIME, transaction } from './told-templates.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const bodies = [[], [transaction(1)], [transaction(1), transaction(2)]] as const;
/** The transactions of a template, by its id. */
const bodyOf = (id: bigint | number) => bodies[Number(id) % bodies.length]!;

/** One server as it may be, right or wrong. */
class AnyServer {
  readonly told: NewTemplate[] = [];
  readonly asked: bigint[] = [];
  tip: TipNews | undefined;
  offered = 0;
  #newest = 0;
  readonly templates = new ServerTemplates(
    { network: 'regtest', reserve: { outputsSize: 100, outputsSigops: 4 } },
    {
      work: new ToldWork('/dev/null/none', { onFailure: () => undefined }),
      tips: new KnownTips(),
      now: () => TIME * 1_000,
      requestTransactions: (id) => void this.asked.push(id),
      onTip: (news) => {
        this.tip = news;
      },
      onTemplate: (template) => this.#onTemplate(template),
      onNoTemplate: () => undefined,
      onOverdue: () => undefined,
    },
  );

  newTemplate(skip: number, futureTemplate: boolean, height: number): string | undefined {
    const id = Number(this.told.at(-1)?.templateId ?? 0n) + skip;
    // The version says which template an offer is made of.
    const template = newTemplate(id, bodyOf(id), { futureTemplate, height, version: id });
    if (skip > 0) this.told.push(template);
    return this.templates.newTemplate(template);
  }

  setNewPrevHash(back: number, prevHash: number): string | undefined {
    const named = this.told.at(-1 - back);
    if (named === undefined) return undefined;
    this.#newest = 0;
    return this.templates.setNewPrevHash(newTip(Number(named.templateId), { prevHash: hash(prevHash) }));
  }

  transactions(back: number, body: number | 'right'): string | undefined {
    const templateId = this.asked.at(-1 - back) ?? 1n;
    const transactionList = [...(body === 'right' ? bodyOf(templateId) : bodies[body]!)];
    return this.templates.transactions({ templateId, excessData: new Uint8Array(0), transactionList });
  }

  noTransactions(back: number): string | undefined {
    return this.templates.noTransactions({
      templateId: this.asked.at(-1 - back) ?? 1n,
      errorCode: 'stale-template-id',
    });
  }

  #onTemplate(template: PreparedTemplate): void {
    const { version, prevHash, height, body } = template;
    expect(this.tip !== undefined && equalBytes(prevHash, this.tip.hash)).toBe(true);
    expect(height).toBe((this.tip?.height ?? 0) + 1);
    expect(version).toBeGreaterThan(this.#newest);
    expect(decodeTemplateBody(body)).toEqual(bodyOf(version));
    this.#newest = version;
    this.offered += 1;
  }
}

type Step = (server: AnyServer) => string | undefined;
const back = fc.nat(3);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.nat(20), fc.boolean(), fc.nat(1)).map(
    ([skip, future, above]): Step =>
      (server) =>
        server.newTemplate(skip, future, HEIGHT + above),
  ),
  fc.tuple(back, fc.nat(2)).map(
    ([named, prevHash]): Step =>
      (server) =>
        server.setNewPrevHash(named, prevHash),
  ),
  fc.tuple(back, fc.constantFrom('right' as const, 'right' as const, 'right' as const, 0, 1, 2)).map(
    ([of, body]): Step =>
      (server) =>
        server.transactions(of, body),
  ),
  back.map(
    (of): Step =>
      (server) =>
        server.noTransactions(of),
  ),
  fc.constant<Step>(() => void vi.advanceTimersByTime(HOLD_BACK_MS)),
);

it('offers right templates of the present tip alone, each newer than the last', () => {
  let offered = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 40, maxLength: 80 }), (steps) => {
      const server = new AnyServer();
      // A fault would end the connection; here it must do no harm.
      for (const each of steps) {
        each(server);
        expect(server.templates.size).toBeLessThanOrEqual(TEMPLATES_BOUND);
      }
      server.templates.stop();
      offered += server.offered;
    }),
    { numRuns: 300 },
  );
  expect(offered).toBeGreaterThan(100);
});
