// `npm run load` against a pool of ours: in every mode the totals on both sides are the same, and the report says so everywhere it is asked to.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LocalPool } from '../support/local-pool.ts';
import { PoolProcesses } from '../support/pool-processes.ts';
import { ProxyProcess } from '../support/proxy-process.ts';

const program = join(import.meta.dirname, '../load/main.ts');
const HARD_NBITS = 0x1b00ffff;
const CONNECTIONS = 20;
const ROUNDS = 3;

const directory = mkdtempSync(join(tmpdir(), 'sluice-load-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Outcome {
  readonly code: number | null;
  readonly output: string;
  /** Of a cell of the report, by table, row and column. */
  figure(table: string, row: string, column: string): number;
}

let runs = 0;

/** One run of the tool, its figures read from its CSV. */
async function load(url: string, ...flags: string[]): Promise<Outcome> {
  const csv = join(directory, `run-${++runs}.csv`);
  const seconds = flags.includes('--seconds') ? [] : ['--seconds', '2'];
  const times = [...seconds, '--warm-up-seconds', '0.5'];
  const args = [program, '--pool', url, '--connections', String(CONNECTIONS), ...times, '--csv', csv, ...flags];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return {
    code,
    output,
    figure(table, row, column) {
      const start = `${['load', table, row, column].map(quoted).join(',')},`;
      const line = readFileSync(csv, 'utf8')
        .split('\n')
        .find((each) => each.startsWith(start));
      if (line === undefined) throw new Error(`no ${start} in the report:\n${output}`);
      return Number(line.slice(start.length));
    },
  };
}

const quoted = (text: string) => (text.includes(',') ? `"${text}"` : text);

function expectAllAnswered({ code, output, figure }: Outcome): void {
  expect(output, output).not.toContain('FAILED');
  expect(code, output).toBe(0);
  const sent = figure('Shares', 'sent', 'whole run');
  expect(sent).toBeGreaterThan(CONNECTIONS);
  const overtaken = figure('Shares', 'refused after a tip that overtook them', 'whole run');
  expect(figure('Shares', 'acknowledged', 'whole run')).toBe(sent - overtaken);
  expect(figure('Shares', 'unanswered', 'whole run')).toBe(0);
  expect(figure('Opening', 'opened', 'value')).toBe(CONNECTIONS);
  expect(figure('Share to acknowledgement, ms', 'share to ack', 'p50')).toBeGreaterThan(0);
}

describe('on one machine', () => {
  let pool: LocalPool;
  let hook: Server;
  let url = '';

  beforeAll(async () => {
    pool = await LocalPool.start({ nbits: HARD_NBITS });
    url = `stratum2+tcp://${pool.address}/${pool.authorityKey}`;
    hook = createServer((_, response) => {
      const announcedAt = performance.timeOrigin + performance.now();
      pool.chain.mineBlock();
      response.end(String(announcedAt));
    });
    await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    hook?.close();
    await pool?.stop();
  });

  it.each([
    ['standard', 1],
    ['extended', 2],
    ['group', 2],
  ])('pipelines shares of %s channels', async (kind, channels) => {
    const flags = ['--kind', kind, '--channels', String(channels), '--in-flight', '4', '--workers', '2'];
    const outcome = await load(url, ...flags, '--pids', `pool=${process.pid}`);
    expectAllAnswered(outcome);
    expect(outcome.figure('Costs', 'shares per CPU-second', 'all processes')).toBeGreaterThan(0);
    const message = kind === 'extended' ? 'SubmitSharesExtended' : 'SubmitSharesStandard';
    const sent = outcome.figure('Shares', 'sent', 'whole run');
    expect(outcome.figure('Bytes on the wire', message, 'messages')).toBe(sent);
  });

  it('keeps one share in flight', async () => {
    const outcome = await load(url, '--mode', 'one-in-flight');
    expectAllAnswered(outcome);
  });

  it('sends at a steady rate, and writes a report in every form', async () => {
    const markdown = join(directory, 'report.md');
    const plots = join(directory, 'plots');
    const report = ['--markdown', markdown, '--plots', plots];
    const outcome = await load(url, '--mode', 'paced', '--rate', '200', '--workers', '2', ...report);
    expectAllAnswered(outcome);
    const skipped = outcome.figure('Shares', 'left out of the rate', 'whole run');
    const perSecond = outcome.figure('Shares', 'sent', 'per second, measured part');
    expect(perSecond).toBeLessThanOrEqual(202);
    expect(perSecond).toBeGreaterThanOrEqual(198 - skipped / 2);
    const sent = outcome.figure('Shares', 'sent', 'whole run');
    expect(readFileSync(markdown, 'utf8')).toContain(`| sent | ${sent} |`);
    expect(readdirSync(plots).sort()).toEqual(['open.svg', 'share-latency.svg', 'shares.svg']);
    for (const file of readdirSync(plots)) expect(readFileSync(join(plots, file), 'utf8')).not.toContain('NaN');
  });

  it('opens connections, all of them again, and holds them', async () => {
    const again = await load(url, '--mode', 'reconnect', '--workers', '2');
    expect(again.code, again.output).toBe(0);
    expect(again.figure('Opening again', 'opened', 'value')).toBe(CONNECTIONS);
    expect(again.figure('Opening again, ms', 'open', 'count')).toBe(CONNECTIONS);
    const paced = await load(url, '--mode', 'open', '--open-rate', '20');
    expect(paced.code, paced.output).toBe(0);
    expect(paced.figure('Opening', 's', 'value')).toBeGreaterThanOrEqual(0.95);
    const idle = await load(url, '--mode', 'idle', '--seconds', '1', '--pids', `pool=${process.pid}`);
    expect(idle.code, idle.output).toBe(0);
    expect(idle.figure('Costs', 'CPU of a core, idle', 'all processes')).toBeGreaterThanOrEqual(0);
  });

  it('measures new tips from their announcement, beside a steady load', async () => {
    const { port } = hook.address() as AddressInfo;
    const command = `${process.execPath} -e 'fetch("http://127.0.0.1:${port}").then((answer) => answer.text()).then(console.log)'`;
    const rounds = ['--rounds', String(ROUNDS), '--round-seconds', '0.2', '--rate', '50'];
    const height = pool.chain.height;
    const warmUp = ['--warm-up-rounds', '2'];
    const all = [...rounds, ...warmUp];
    const outcome = await load(url, '--mode', 'new-tip', '--tip-command', command, ...all, '--workers', '2');
    expectAllAnswered(outcome);
    expect(pool.chain.height).toBe(height + ROUNDS + 2);
    const table = 'New tips, ms until a connection was told';
    expect(outcome.figure(table, 'the announcement', 'count')).toBe(ROUNDS * CONNECTIONS);
    expect(outcome.figure(table, 'the announcement', 'max')).toBeLessThan(5_000);
    expect(outcome.figure(table, 'the first connection told', 'p50')).toBeGreaterThanOrEqual(0);
  });

  describe('through a proxy, by miners of Stratum V1', () => {
    let proxy: ProxyProcess;
    let proxyUrl = '';

    beforeAll(async () => {
      const flags = ['--shares-per-minute', '1000'];
      proxy = await ProxyProcess.start({ upstreams: [pool], identity: 'farm', flags });
      proxyUrl = `stratum+tcp://127.0.0.1:${proxy.port}`;
    });
    afterAll(() => proxy?.stop());

    it.each([
      ['pipelined', ['--in-flight', '4', '--workers', '2']],
      ['one-in-flight', []],
      ['paced', ['--rate', '200']],
    ])('sends real shares, %s, and counts what the proxy counts', async (mode, flags) => {
      const good = await proxy.metric('shares_good_total');
      const outcome = await load(proxyUrl, '--mode', mode, ...flags);
      expectAllAnswered(outcome);
      const sent = outcome.figure('Shares', 'sent', 'whole run');
      expect(outcome.figure('Bytes on the wire', 'mining.submit', 'messages')).toBe(sent);
      expect((await proxy.metric('shares_good_total')) - good).toBe(
        outcome.figure('Shares', 'acknowledged', 'whole run'),
      );
    });

    it('sees new tips, beside a steady load', async () => {
      const { port } = hook.address() as AddressInfo;
      const command = `${process.execPath} -e 'fetch("http://127.0.0.1:${port}").then((answer) => answer.text()).then(console.log)'`;
      const rounds = ['--rounds', String(ROUNDS), '--round-seconds', '0.2', '--rate', '50'];
      const outcome = await load(proxyUrl, '--mode', 'new-tip', '--tip-command', command, ...rounds, '--workers', '2');
      expectAllAnswered(outcome);
      const table = 'New tips, ms until a connection was told';
      expect(outcome.figure(table, 'the announcement', 'count')).toBe(ROUNDS * CONNECTIONS);
    });

    it('times some of the miners, and sees that the others are told as well', async () => {
      const { port } = hook.address() as AddressInfo;
      const command = `${process.execPath} -e 'fetch("http://127.0.0.1:${port}").then((answer) => answer.text()).then(console.log)'`;
      const rounds = ['--rounds', String(ROUNDS), '--round-seconds', '0.2', '--timed-connections', '2'];
      const outcome = await load(proxyUrl, '--mode', 'new-tip', '--tip-command', command, ...rounds);
      expect(outcome.code, outcome.output).toBe(0);
      expect(outcome.figure('New tips, ms until a connection was told', 'the announcement', 'count')).toBe(ROUNDS * 2);
    });

    it('has one channel on a connection', async () => {
      const wrong = await load(proxyUrl, '--channels', '2');
      expect(wrong.code).toBe(2);
      expect(wrong.output).toContain('--channels');
    });
  });

  it('fails when connections do not open, and refuses flags that contradict each other', async () => {
    const nobody = await load('stratum2+tcp://127.0.0.1:1', '--mode', 'open');
    expect(nobody.code).toBe(1);
    expect(nobody.output).toContain(`FAILED: ${CONNECTIONS} connections did not open: connect ECONNREFUSED`);
    const stranger = await load(`stratum2+tcp://${pool.address}/9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72`);
    expect(stranger.code).toBe(1);
    expect(stranger.output).toContain('handshake: certificate-');
    const wrong = await load(url, '--mode', 'one-in-flight', '--ack-batch', '10', '--rate', '5');
    expect(wrong.code).toBe(2);
    expect(wrong.output.split('\n').filter((line) => line.startsWith('load: --'))).toHaveLength(2);
  });
});

describe('on NATS', () => {
  let pool: PoolProcesses;

  beforeAll(async () => {
    const simulated = { nbits: HARD_NBITS.toString(16), blockSeconds: 1 };
    pool = await PoolProcesses.start({
      chain: { simulated },
      sharesPerMinute: 100_000,
      easiestDifficulty: 1e-10,
    });
  });
  afterAll(() => pool?.stop());

  it('finds in the stream what was acknowledged, over the tips of others', async () => {
    const url = `stratum2+tcp://127.0.0.1:${pool.gatewayPort()}/${pool.authorityKey}`;
    const flags = ['--kind', 'extended', '--in-flight', '10', '--workers', '2', '--nats', pool.nats.url];
    const outcome = await load(url, ...flags);
    expectAllAnswered(outcome);
    const acknowledged = outcome.figure('Shares', 'acknowledged', 'whole run');
    expect(outcome.figure('Shares', 'stored in SHARES', 'whole run')).toBe(acknowledged);
    expect(outcome.figure('Shares', 'stored twice', 'whole run')).toBe(0);
    const watched = await load(url, '--mode', 'new-tip', '--seconds', '8');
    expect(watched.code, watched.output).toBe(0);
    expect(
      watched.figure('New tips, ms until a connection was told', 'the first connection told', 'count'),
    ).toBeGreaterThan(0);
  });
});
