// Miners on the pods of fleets that kwok plays: each pod answers /drain and /metrics over HTTP as a gateway does and sends its miners away when it is
// told to, and whoever has no pod is given the one with the fewest among those that
// Services know.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ApiClient } from './api-client.ts';
import type { ControlPlane } from './control-plane.ts';

const TICK_MS = 200;
const ACCEPTING = 'mining.sluice.dev/accepting';
const WORKLOAD = 'mining.sluice.dev/workload';
const DEADLINE = 'mining.sluice.dev/drain-deadline';

interface Order {
  readonly name: string;
  readonly keep: number;
  /** Those who were there when it came. */
  readonly movable: Set<Miner>;
}

export interface Miner {
  pod: FakePod | undefined;
  /** Times that it was sent away. */
  moves: number;
}

export interface FakePod {
  readonly name: string;
  readonly workload: string;
  readonly revision: string;
  readonly miners: Set<Miner>;
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  isReady: boolean;
  isTerminating: boolean;
  order: Order | undefined;
  /** Answers nobody. */
  isSilent: boolean;
}

export class FakeFleet {
  readonly workload: string;
  readonly miners: Miner[] = [];
  pods: readonly FakePod[] = [];
  /** Pods that do not end, at most so far. */
  most = 0;
  /** Pods that are no more. */
  gone = 0;
  /** What must never be. */
  readonly wrongs: string[] = [];
  disconnectsPerSecond = 50;
  /** What share validators say that they are behind. */
  lagSeconds = 0;

  constructor(workload: string) {
    this.workload = workload;
  }

  get living(): readonly FakePod[] {
    return this.pods.filter(({ isTerminating }) => !isTerminating);
  }

  get connected(): number {
    return this.miners.filter(({ pod }) => pod !== undefined).length;
  }

  get mostMoves(): number {
    return this.miners.reduce((most, { moves }) => Math.max(most, moves), 0);
  }

  /** So many more. */
  join(count: number): void {
    for (let added = 0; added < count; added += 1) this.miners.push({ pod: undefined, moves: 0 });
  }

  /** All but so many leave by themselves, of each pod the same part. */
  leaveBut(count: number): void {
    const part = count / this.miners.length;
    const kept = new Set(this.pods.flatMap(({ miners }) => [...miners].slice(0, Math.round(miners.size * part))));
    for (const miner of this.miners.splice(0)) {
      if (kept.has(miner)) this.miners.push(miner);
      else leave(miner);
    }
  }

  tick(): void {
    this.most = Math.max(this.most, this.living.length);
    for (const pod of this.pods) this.#move(pod);
    const open = this.living.filter(
      ({ isReady, labels, order }) => isReady && labels[ACCEPTING] === 'true' && order?.keep !== 0,
    );
    for (const miner of this.miners) {
      if (miner.pod !== undefined || open.length === 0) continue;
      const pod = open.reduce((least, each) => (each.miners.size < least.miners.size ? each : least));
      miner.pod = pod;
      pod.miners.add(miner);
    }
  }

  /** A pod that is gone takes its miners along. */
  lose(pod: FakePod): void {
    this.gone += 1;
    const isOver = Date.now() >= Date.parse(pod.annotations[DEADLINE] ?? '');
    if (pod.miners.size > 0 && !isOver) this.wrongs.push(`${pod.name} went with ${pod.miners.size} miners`);
    for (const miner of [...pod.miners]) sendAway(miner);
  }

  #move({ order, miners }: FakePod): void {
    if (order === undefined) return;
    const count = Math.min((this.disconnectsPerSecond * TICK_MS) / 1_000, miners.size - order.keep);
    for (const miner of [...order.movable].filter((each) => miners.has(each)).slice(0, Math.max(0, count))) {
      order.movable.delete(miner);
      sendAway(miner);
    }
  }
}

function leave(miner: Miner): void {
  miner.pod?.miners.delete(miner);
  miner.pod = undefined;
}

function sendAway(miner: Miner): void {
  leave(miner);
  miner.moves += 1;
}

interface ListedPod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

export class FakeMiners {
  readonly #client: ApiClient;
  readonly #namespace: string;
  readonly #server: Server;
  readonly #fleets = new Map<string, FakeFleet>();
  /** By uid. */
  readonly #pods = new Map<string, FakePod>();
  readonly #tokens = new Map<string, string>();
  #ticking: Promise<void> = Promise.resolve();
  #isStopped = false;

  private constructor(plane: ControlPlane, namespace: string) {
    this.#client = plane.client();
    this.#namespace = namespace;
    this.#server = createServer((incoming, outgoing) => this.#answer(incoming, outgoing));
  }

  static async start(plane: ControlPlane, namespace: string): Promise<FakeMiners> {
    const miners = new FakeMiners(plane, namespace);
    await new Promise<void>((resolve) => miners.#server.listen(0, '127.0.0.1', resolve));
    miners.#ticking = miners.#run();
    return miners;
  }

  /** Where a pod is asked: the operator's setting. */
  get podUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/{namespace}/{name}`;
  }

  /** @param workload such as `demo-gw` */
  fleet(workload: string): FakeFleet {
    const fleet = this.#fleets.get(workload) ?? new FakeFleet(workload);
    this.#fleets.set(workload, fleet);
    return fleet;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#ticking;
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const next = new Promise((resolve) => setTimeout(resolve, TICK_MS));
      await this.#look();
      for (const fleet of this.#fleets.values()) fleet.tick();
      await next;
    }
  }

  async #look(): Promise<void> {
    const items: readonly ListedPod[] = (await this.#client.get(`/api/v1/namespaces/${this.#namespace}/pods`)).body
      .items;
    const listed = new Set(items.map(({ metadata }) => metadata.uid));
    for (const [uid, pod] of this.#pods) {
      if (listed.has(uid)) continue;
      this.#pods.delete(uid);
      this.#fleets.get(pod.workload)?.lose(pod);
    }
    for (const { metadata, status } of items) {
      const { uid, name, labels, annotations = {}, deletionTimestamp } = metadata;
      const pod = this.#pods.get(uid) ?? {
        ...{ name, workload: labels[WORKLOAD] ?? '', revision: labels['mining.sluice.dev/revision'] ?? '' },
        ...{ miners: new Set<Miner>(), order: undefined, isSilent: false, labels, annotations },
        ...{ isReady: false, isTerminating: false },
      };
      pod.labels = labels;
      pod.annotations = annotations;
      pod.isReady = status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') === true;
      pod.isTerminating = deletionTimestamp !== undefined;
      this.#pods.set(uid, pod);
    }
    for (const fleet of this.#fleets.values())
      fleet.pods = [...this.#pods.values()].filter(({ workload }) => workload === fleet.workload);
  }

  async #answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://localhost');
    const [, , name, what] = pathname.split('/');
    const pod = [...this.#pods.values()].find((each) => each.name === name);
    if (pod === undefined || pod.isSilent) {
      incoming.destroy();
      return;
    }
    if (what === 'metrics') {
      const { lagSeconds = 0 } = this.#fleets.get(pod.workload) ?? {};
      outgoing.end(`process_cpu_seconds_total 1\nsluice_share_validator_behind_seconds ${lagSeconds}\n`);
      return;
    }
    if (incoming.headers.authorization !== `Bearer ${await this.#tokenOf(pod.workload)}`) {
      outgoing.writeHead(401).end('{"error":"the token is another one"}');
      return;
    }
    if (incoming.method === 'POST') {
      const order = searchParams.get('order') ?? '';
      const keep = Number(searchParams.get('keep'));
      if (pod.order?.name !== order) pod.order = { name: order, keep, movable: new Set(pod.miners) };
    } else if (incoming.method === 'DELETE') pod.order = undefined;
    const { order, miners } = pod;
    outgoing.end(
      JSON.stringify({ connections: miners.size, order: order?.name ?? null, left: order?.movable.size ?? 0 }),
    );
  }

  async #tokenOf(workload: string): Promise<string> {
    const known = this.#tokens.get(workload);
    if (known !== undefined) return known;
    const secret = (await this.#client.get(`/api/v1/namespaces/${this.#namespace}/secrets/${workload}-orders`)).body;
    const token = Buffer.from(secret.data?.token ?? '', 'base64').toString();
    this.#tokens.set(workload, token);
    return token;
  }
}
