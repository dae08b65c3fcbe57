// The course of `npm run load:memory`: a first few connections come and go, so that what comes once is there; a snapshot; connections that
// are held; another one. What is more in the second, by class, is theirs.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { INSPECTED, Inspector } from '../../support/inspector.ts';
import { memoryInUse } from '../../support/process-memory.ts';
import type { Contender, Contest } from '../compare/contest.ts';
import { contestOf } from '../compare/contest-of.ts';
import { describeMachine } from '../compare/machine.ts';
import { Pinning } from '../compare/pinning.ts';
import { type RowName, rowOf, type Subject } from '../compare/rows.ts';
import { writeSection } from '../report/document-section.ts';
import { verdictOf } from '../report/verdict.ts';
import { LoadRun, type LoadRunHooks } from '../run.ts';
import type { MemoryConfig } from './config.ts';
import { type HeapSnapshot, holdingsOf } from './heap-snapshot.ts';
import { type MemoryLook, sectionOf } from './section.ts';

interface Looked {
  readonly row: RowName;
  readonly process: string;
  readonly command: string;
  readonly title: string;
}
const looked: Readonly<Record<Subject, Looked>> = {
  pool: {
    ...{ row: 'hold-10000', process: 'connection-gateway', command: 'load:memory' },
    title: 'What a connection holds in memory',
  },
  proxy: {
    ...{ row: 'proxy-hold-10000', process: 'proxy', command: 'load:memory:proxy' },
    title: 'What a miner holds in memory of the proxy',
  },
};
const FIRST_CONNECTIONS = 200;
/** After connections have gone, and after a start. */
const REST_MS = 3_000;

export class MemoryRun {
  readonly #config: MemoryConfig;
  readonly #looked: Looked;
  readonly #contest: Contest;
  readonly #pinning = new Pinning(false);
  #contender: Contender | undefined;
  #inspector: Inspector | undefined;

  constructor(config: MemoryConfig) {
    this.#config = config;
    this.#looked = looked[config.subject];
    this.#contest = contestOf(config.subject, false);
  }

  /** @throws when a connection could not be opened. */
  async run(): Promise<true> {
    const { document, dry, connections } = this.#config;
    const { row, process: watched, command, title } = this.#looked;
    await this.#pinning.amongServers(() => this.#contest.open(false));
    const machine = [...(await describeMachine()), ...(await this.#contest.versions(false)), this.#pinning.text];
    const observation = { nodeFlags: (service: string) => (service === watched ? INSPECTED : []) };
    const contender = await this.#pinning.amongServers(() =>
      this.#contest.start('ours', rowOf(row, connections), observation),
    );
    this.#contender = contender;
    this.#inspector = await Inspector.open(contender.logs());
    await sleep(REST_MS);
    await this.#hold(contender, FIRST_CONNECTIONS, async () => {});
    await sleep(REST_MS);
    const before = await this.#look('before');
    let after: MemoryLook | undefined;
    await this.#hold(contender, connections, async () => {
      after = await this.#look('with-connections');
    });
    if (after === undefined) throw new Error('no connection was held');
    const section = sectionOf({ title, command, process: watched, connections, machine, before, after });
    process.stdout.write(`${section}\n`);
    if (dry) return true;
    writeSection(document, command, section);
    say(`written to ${document}`);
    return true;
  }

  /** Ends everything; also in the middle. */
  async stop(): Promise<void> {
    this.#inspector?.close();
    await this.#contender?.stop();
    await this.#contest.close();
  }

  async #hold(contender: Contender, connections: number, held: () => Promise<void>): Promise<void> {
    const row = rowOf(this.#looked.row, connections);
    const load = this.#contest.load(row, contender, {
      seconds: 1,
      warmUpSeconds: 0,
      workers: 1,
      tips: 0,
      warmUpTips: 0,
    });
    const hooks: LoadRunHooks = { held };
    const { failures } = verdictOf(await new LoadRun(load, hooks).run());
    if (failures.length > 0) throw new Error(`${failures.join('; ')}\n${contender.logs()}`);
  }

  async #look(name: string): Promise<MemoryLook> {
    const inspector = this.#inspector;
    if (inspector === undefined) throw new Error('nothing is inspected');
    const inUse = await memoryInUse(inspector);
    say(`${inUse.toFixed(1)} MiB in use, snapshot ${name}`);
    const chunks: string[] = [];
    inspector.on('HeapProfiler.addHeapSnapshotChunk', (params) => chunks.push((params as { chunk: string }).chunk));
    await inspector.call('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
    const text = chunks.join('');
    const folder = resolve(this.#config.snapshots);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${this.#looked.process}-${name}.heapsnapshot`), text);
    return { holdings: holdingsOf(JSON.parse(text) as HeapSnapshot), inUse };
  }
}

function say(text: string): void {
  process.stderr.write(`load:memory: ${text}\n`);
}
