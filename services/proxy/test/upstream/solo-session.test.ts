// One connection to a node's Template Distribution server, which does what a test tells it. Time is the test's.
import { ManualClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { protocols } from '@sluice/sv2/flags';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionError } from '@sluice/sv2/messages/common/setup-connection-error';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { CoinbaseOutputConstraints } from '@sluice/sv2/messages/template-distribution/coinbase-output-constraints';
import { NewTemplate } from '@sluice/sv2/messages/template-distribution/new-template';
import { RequestTransactionData } from '@sluice/sv2/messages/template-distribution/request-transaction-data';
import { RequestTransactionDataError } from '@sluice/sv2/messages/template-distribution/request-transaction-data-error';
import { RequestTransactionDataSuccess } from '@sluice/sv2/messages/template-distribution/request-transaction-data-success';
import { TemplateSetNewPrevHash } from '@sluice/sv2/messages/template-distribution/set-new-prev-hash';
import { SubmitSolution } from '@sluice/sv2/messages/template-distribution/submit-solution';
import { describe, expect, it } from 'vitest';
import { authorityKey, FakeServer, modules } from '../../../../packages/client/test/support/fake-server.ts';
import { createCounters } from '../../src/counters.ts';
import { UpstreamError } from '../../src/upstream/errors.ts';
import { PROBE_AFTER_MS, PROBE_ANSWER_MS, UNANSWERED_SHARE_MS } from '../../src/upstream/liveness.ts';
import { FIRST_WORK_MS } from '../../src/upstream/session.ts';
import { SoloBlocks } from '../../src/upstream/solo-blocks.ts';
import { NO_TEMPLATE, SoloSession } from '../../src/upstream/solo-session.ts';
import type { UpstreamWork } from '../../src/upstream/upstream-work.ts';
import { newBlock, newTemplate, SCRIPT } from './told-templates.ts';
import { TIME } from './told-work.ts';
import { turns, until } from './until.ts';

/** A node, over as many connections as a test makes. */
function node() {
  const clock = new ManualClock();
  const counters = createCounters();
  const blocks = new SoloBlocks('node.example:8442', { counters, log: silentLogger() });
  const connect = async (script: (server: FakeServer) => void = () => undefined) => {
    const server = new FakeServer();
    server.on(RequestTransactionData, ({ templateId }) =>
      server.send(RequestTransactionDataError, { templateId, errorCode: 'template-id-not-found' }),
    );
    server.on(CoinbaseOutputConstraints, () => {
      server.send(NewTemplate, newTemplate(1));
      server.send(TemplateSetNewPrevHash, newBlock(1, 0xa1));
    });
    script(server);
    const works: UpstreamWork[] = [];
    const ends: UpstreamError[] = [];
    const session = await SoloSession.open(
      server.stream,
      {
        ...{ url: { host: 'node.example', port: 8442, authorityKey }, blocks },
        payout: { script: SCRIPT, network: 'regtest' },
      },
      { onWork: (work) => void works.push(work), onClosed: (reason) => void ends.push(reason) },
      { ...modules, clock, counters },
    );
    const ended = async () => {
      await until(() => ends.length > 0);
      return ends[0]?.code;
    };
    return { server, session, works, ends, ended };
  };
  return { clock, counters, blocks, connect };
}

const shareOf = (work: UpstreamWork | undefined, nonce = 5) => ({
  ...{ work: work as UpstreamWork, extranonce: new Uint8Array(12).fill(3), nonce, ntime: TIME },
  ...{ version: 0x2000_0000, worker: undefined },
});

function owner() {
  const answers: string[] = [];
  const take = (request: string, answer: string) => void answers.push(`${request}:${answer}`);
  return { answers, owner: { answered: take, refusedLate: () => undefined } };
}

async function working() {
  const all = node();
  const connection = await all.connect();
  await until(() => connection.works.length === 1);
  return { ...all, ...connection };
}

describe('SoloSession', () => {
  it('asks for templates with room for its one output, and a future template with its tip is one work', async () => {
    const { server, works, session } = await working();
    expect(server.all(SetupConnection)).toMatchObject([{ protocol: protocols.templateDistribution, flags: 0 }]);
    expect(server.all(CoinbaseOutputConstraints)).toEqual([
      { coinbaseOutputMaxAdditionalSize: 31, coinbaseOutputMaxAdditionalSigops: 0 },
    ]);
    expect(session.work).toBe(works[0]);
    server.send(NewTemplate, newTemplate(2, { futureTemplate: false }));
    server.send(NewTemplate, newTemplate(3));
    server.send(TemplateSetNewPrevHash, newBlock(3, 0xa2));
    await until(() => works.length === 3);
    expect(works.map(({ prevHash }) => prevHash[0])).toEqual([0xa1, 0xa1, 0xa2]);
    // Two connections never search the same headers.
    const other = await working();
    expect(other.works[0]?.coinbasePrefix).not.toEqual(works[0]?.coinbasePrefix);
  });

  it('sends a block at once and answers it, since the protocol has no answer, and counts it when it is the tip', async () => {
    const { server, session, works, counters, blocks } = await working();
    const { answers, owner: miner } = owner();
    session.submit(shareOf(works[0]), miner, 'a');
    expect(answers).toEqual(['a:']);
    await until(() => server.all(SubmitSolution).length === 1);
    expect(server.all(SubmitSolution)[0]).toMatchObject({ templateId: 1n, headerNonce: 5, headerTimestamp: TIME });
    expect(blocks.size).toBe(1);
    server.send(NewTemplate, newTemplate(2));
    const other = owner();
    // Late, of the tip before: whether it is any use the node decides.
    session.submit(shareOf(works[0], 6), other.owner, 'b');
    await until(() => server.all(SubmitSolution).length === 2);
    expect(other.answers).toEqual(['b:']);
    expect(counters).toMatchObject({ soloBlocks: 2, sharesForwarded: 2, upstreamAccepted: 0 });
  });

  it('sends it again to a server that comes back, found before the connection ended or after', async () => {
    const { connect, blocks, server, session, works, counters, ended } = await working();
    const { answers, owner: miner } = owner();
    session.submit(shareOf(works[0], 1), miner, 'a');
    await until(() => server.all(SubmitSolution).length === 1);
    server.close();
    expect(await ended()).toBe('upstream-connection-closed');
    expect(session.isOpen).toBe(false);
    session.submit(shareOf(works[0], 2), miner, 'b');
    expect(answers).toEqual(['a:', 'b:']);
    expect(blocks.size).toBe(2);
    // Before any template, which that server may not have yet.
    const again = await connect((scripted) => scripted.on(CoinbaseOutputConstraints, () => undefined));
    await until(() => again.server.all(SubmitSolution).length === 2);
    expect(again.server.all(SubmitSolution).map(({ headerNonce }) => headerNonce)).toEqual([1, 2]);
    expect(counters.soloBlocks).toBe(2);
  });

  it('leaves the blocks of the connection after it alone when it ends late', async () => {
    const { connect, blocks, works } = await working();
    // Its server never sets it up.
    const late = await connect((scripted) => scripted.on(SetupConnection, () => undefined));
    const present = await connect();
    await until(() => present.works.length === 1);
    late.session.close(new UpstreamError('upstream-connection-closed', 'it is not needed'));
    present.session.submit(shareOf(present.works[0]), undefined, '');
    expect(blocks.oldestSentMs).toBeDefined();
    await until(() => present.server.all(SubmitSolution).length === 1);
    expect(works).toHaveLength(1);
  });

  it('asks a silent server for what it cannot have, and gives it up when it does not answer', async () => {
    const { server, session, clock, ends, ended } = await working();
    await until(() => server.all(RequestTransactionData).length === 1);
    expect(server.all(RequestTransactionData)).toEqual([{ templateId: NO_TEMPLATE }]);
    // Until its answer has come.
    await turns();
    clock.advance(PROBE_AFTER_MS);
    session.tick();
    await until(() => server.all(RequestTransactionData).length === 2);
    await turns();
    session.tick();
    expect(ends).toEqual([]);
    server.on(RequestTransactionData, () => undefined);
    clock.advance(PROBE_AFTER_MS);
    session.tick();
    await until(() => server.all(RequestTransactionData).length === 3);
    clock.advance(PROBE_ANSWER_MS - 1);
    session.tick();
    expect(ends).toEqual([]);
    clock.advance(1);
    session.tick();
    expect(await ended()).toBe('upstream-silent');
  });

  it('leaves one alone that never answers such questions, until a block waits for it', async () => {
    const { clock, connect } = node();
    const { server, session, works, ends, ended } = await connect((scripted) =>
      scripted.on(RequestTransactionData, () => undefined),
    );
    await until(() => works.length === 1);
    clock.advance(10 * UNANSWERED_SHARE_MS);
    session.tick();
    expect(ends).toEqual([]);
    session.submit(shareOf(works[0]), undefined, '');
    await until(() => server.all(SubmitSolution).length === 1);
    clock.advance(UNANSWERED_SHARE_MS);
    session.tick();
    expect(await ended()).toBe('upstream-silent');
  });

  it('gives up one that has no template in time', async () => {
    const { clock, connect } = node();
    const { session, ended } = await connect((scripted) => scripted.on(CoinbaseOutputConstraints, () => undefined));
    clock.advance(FIRST_WORK_MS);
    session.tick();
    expect(await ended()).toBe('upstream-silent');
  });

  it.each<[string, string, (server: FakeServer) => void]>([
    [
      'refuses the setup',
      'upstream-setup-refused',
      (server) =>
        server.on(SetupConnection, () =>
          server.send(SetupConnectionError, { flags: 0, errorCode: 'unsupported-protocol' }),
        ),
    ],
    [
      'sets up a version that was not offered',
      'upstream-fault',
      (server) => server.on(SetupConnection, () => server.send(SetupConnectionSuccess, { usedVersion: 3, flags: 0 })),
    ],
    [
      'names a template that it did not send',
      'upstream-fault',
      (server) => server.on(CoinbaseOutputConstraints, () => server.send(TemplateSetNewPrevHash, newBlock(9, 0xa1))),
    ],
    [
      'sends an active template before any tip',
      'upstream-fault',
      (server) =>
        server.on(CoinbaseOutputConstraints, () => server.send(NewTemplate, newTemplate(1, { futureTemplate: false }))),
    ],
    [
      'sends transactions that nobody asked for',
      'upstream-fault',
      (server) =>
        server.on(CoinbaseOutputConstraints, () =>
          server.send(RequestTransactionDataSuccess, {
            ...{ templateId: 1n, excessData: new Uint8Array(0), transactionList: [] },
          }),
        ),
    ],
    [
      'ends the connection',
      'upstream-connection-closed',
      (server) => server.on(CoinbaseOutputConstraints, () => server.close()),
    ],
  ])('ends with one that %s', async (_, code, script) => {
    const { ended } = await node().connect(script);
    expect(await ended()).toBe(code);
  });
});
