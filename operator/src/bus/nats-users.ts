// The users of a pool's managed NATS servers: of each a Secret with its password, which is made once, and the servers' own Secret with what they
// know them by.
import type { Clock } from '@sluice/runtime/clock';
import type { RandomBytes } from '@sluice/runtime/random';
import { compare, hash } from 'bcryptjs';
import type { MiningPool } from '../api/v1alpha1.ts';
import { secrets } from '../apply/child-kinds.ts';
import type { Children } from '../apply/children.ts';
import { ChildError } from '../apply/errors.ts';
import type { Term } from '../apply/writer.ts';
import { collect } from '../control/child-faults.ts';
import { contentHash } from '../desired/content-hash.ts';
import type { Manifest } from '../desired/manifest.ts';
import { type NatsUser, ROUTES_FILE, USERS_FILE, usersFileAsJson, usersTag } from '../desired/nats-config.ts';
import { natsCredentials, natsUsers } from '../desired/nats-servers.ts';
import type { ManagedBus } from '../desired/stream-bounds.ts';
import type { KubernetesObject } from '../kubernetes/resource.ts';
import type { RequestReload } from './request-reload.ts';

/** The tag of the users that all servers have read, on their Secret. */
const LOADED = 'mining.sluice.dev/loaded';
/** Of random passwords of 256 bits, which no cost makes harder to guess. */
const BCRYPT_COST = 4;
const PASSWORD_BYTES = 32;
/** In which the pods of a service have another password for certain, from when it was seen first: the kubelet brings it within two minutes. */
const EXCHANGE_MS = 180_000;
/** The kubelet brings another file to the servers within two minutes. */
const RELOAD_RETRY_MS = 10_000;

const components = [
  ...['connection-gateway', 'channel-manager', 'job-distributor', 'share-validator', 'template-provider'],
  ...['operator', 'system'],
] as readonly NatsUser['component'][];

/** What came of it. */
export interface UsersOutcome {
  /** uid of the Secret of the user `system`; undefined where that is somebody else's, or has no password. */
  readonly systemSecret: string | undefined;
  /** Users whose Secrets are of no use; servers know them as they did before. */
  readonly faults: readonly ChildError[];
  /** When to look again: servers have yet to read their users, or a password is being exchanged. */
  readonly requeueAfterMs?: number;
}

interface Credentials {
  readonly uid: string;
  readonly name: string;
  readonly password: string;
}

/** A password that is there. */
interface Seen {
  /** Of the password. */
  readonly hash: string;
  /** By the clock that cannot be set: that of the API server, whose time is on its Secret, may be another one. */
  readonly since: number;
  /** What it was compared with last, and is known by: comparing is made to be slow. */
  bcrypt: string | undefined;
}

export interface NatsUsersModules {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly requestReload: RequestReload;
  readonly term: Term;
}

export class NatsUsers {
  readonly #modules: NatsUsersModules;
  /** By uid of the pool and user; another leader gives each its time anew. */
  readonly #seen = new Map<string, Map<string, Seen>>();

  constructor(modules: NatsUsersModules) {
    this.#modules = modules;
  }

  /**
   * Makes the Secrets that are not there, and brings the servers to know the users in them.
   * @param isRunning whether the servers may have read their users already
   * @throws as `Children`; ChildError where the servers' own Secret, or the password by which they know each other, is not to be had
   */
  async ensure(pool: MiningPool, bus: ManagedBus, children: Children, isRunning: boolean): Promise<UsersOutcome> {
    const faults: ChildError[] = [];
    const known = new Map<string, Credentials>();
    for (const component of components) {
      const found = await this.#credentials(pool, component, children).catch(collect(faults));
      if (found !== undefined) known.set(component, found);
    }
    const live = await children.read(secrets, pool, natsUsers(pool, bus, [], ''));
    // Servers that read another one at different times would not find each other meanwhile: the one that they have is kept.
    const route =
      bus.replicas === 1 ? undefined : await this.#credentials(pool, 'route', children, routePasswordOf(live));
    const manifestOf = (users: readonly NatsUser[]) => natsUsers(pool, bus, users, route?.password ?? '');
    const { users, exchanging } = await this.#users(pool.metadata.uid, known, hashesOf(live));
    const tag = usersTag(users);
    // Servers that were never started will read what is there then.
    const loaded = live === undefined && !isRunning ? tag : live?.metadata.annotations?.[LOADED];
    await children.apply(secrets, pool, withLoaded(manifestOf(users), loaded));

    const system = known.get('system');
    const outcome = { systemSecret: system?.uid, faults };
    if (loaded !== tag) {
      const { requestReload, term } = this.#modules;
      const request = { pool, replicas: bus.replicas, tag };
      const isRead = system !== undefined && (await requestReload({ ...request, ...system }, term));
      if (!isRead) return { ...outcome, requeueAfterMs: RELOAD_RETRY_MS };
      await children.apply(secrets, pool, withLoaded(manifestOf(users), tag));
    }
    return exchanging ? { ...outcome, requeueAfterMs: RELOAD_RETRY_MS } : outcome;
  }

  /** The pool is gone. */
  forget(uid: string): void {
    this.#seen.delete(uid);
  }

  async #credentials(
    pool: MiningPool,
    component: NatsUser['component'] | 'route',
    children: Children,
    password = this.#newPassword(),
  ): Promise<Credentials> {
    const manifest = natsCredentials(pool, component, component, password);
    const live = await children.createOnce(secrets, pool, manifest);
    const { uid = '' } = live.metadata;
    const [name, found] = [textOf(live, 'username'), textOf(live, 'password')];
    if (name !== component || found === '')
      throw new ChildError(
        'invalid-child',
        `Secret ${manifest.metadata.name} has not the user ${component} with a password`,
      );
    return { uid, name, password: found };
  }

  #newPassword(): string {
    return Buffer.from(this.#modules.random(PASSWORD_BYTES)).toString('hex');
  }

  /** @param pool its uid @param hashes of the users that the servers' Secret has, by name */
  async #users(
    pool: string,
    known: ReadonlyMap<string, Credentials>,
    hashes: ReadonlyMap<string, string>,
  ): Promise<{ readonly users: readonly NatsUser[]; readonly exchanging: boolean }> {
    const users: NatsUser[] = [];
    let exchanging = false;
    for (const component of components) {
      const before = hashes.get(component);
      const credentials = known.get(component);
      if (credentials === undefined) {
        if (before !== undefined) users.push({ component, name: component, passwordHash: before });
        continue;
      }
      const { name, password } = credentials;
      const seen = this.#seenOf(pool, name, password);
      const isKnown = before !== undefined && (before === seen.bcrypt || (await compare(password, before)));
      const ageMs = this.#modules.clock.monotonic() - seen.since;
      // Its pods have the earlier one, and would be sent away: theirs is exchanged first.
      const waits = before !== undefined && !isKnown && component !== 'system' && ageMs < EXCHANGE_MS;
      exchanging ||= waits;
      const passwordHash = before !== undefined && (isKnown || waits) ? before : await hash(password, BCRYPT_COST);
      if (!waits) seen.bcrypt = passwordHash;
      users.push({ component, name, passwordHash });
    }
    return { users, exchanging };
  }

  #seenOf(pool: string, user: string, password: string): Seen {
    const users = this.#seen.get(pool) ?? new Map<string, Seen>();
    this.#seen.set(pool, users);
    const hash = contentHash(password);
    const before = users.get(user);
    if (before?.hash === hash) return before;
    const seen = { hash, since: this.#modules.clock.monotonic(), bcrypt: undefined };
    users.set(user, seen);
    return seen;
  }
}

function withLoaded(manifest: Manifest, tag: string | undefined): Manifest {
  if (tag === undefined) return manifest;
  return { ...manifest, metadata: { ...manifest.metadata, annotations: { [LOADED]: tag } } };
}

const textOf = (secret: KubernetesObject, key: string): string =>
  Buffer.from((secret as { data?: Record<string, string> }).data?.[key] ?? '', 'base64').toString();

/** By the names of users; none where the Secret is not as ours are. */
const hashesOf = (secret: KubernetesObject | undefined): ReadonlyMap<string, string> =>
  readFrom(secret, USERS_FILE, ({ accounts: { POOL, SYSTEM } }: UsersFile) => {
    const users = [...POOL.users, ...SYSTEM.users];
    return new Map(users.flatMap(({ user, password }) => (isBcrypt(password) ? [[user, password]] : [])));
  }) ?? new Map();

const isBcrypt = (hash: unknown): hash is string => /^\$2[aby]\$\d\d\$.{53}$/.test(String(hash));

const routePasswordOf = (secret: KubernetesObject | undefined): string | undefined =>
  readFrom(secret, ROUTES_FILE, ({ authorization: { password } }: RoutesFile) =>
    typeof password === 'string' ? password : undefined,
  );

/** As far as it is read. */
interface UsersFile {
  readonly accounts: Record<'POOL' | 'SYSTEM', { readonly users: readonly { user: string; password?: unknown }[] }>;
}
interface RoutesFile {
  readonly authorization: { readonly password?: unknown };
}

/** From a file of the servers; undefined where there is none, or somebody has changed it: it is made anew. */
function readFrom<F, T>(secret: KubernetesObject | undefined, name: string, read: (file: F) => T): T | undefined {
  if (secret === undefined) return undefined;
  try {
    return read(JSON.parse(usersFileAsJson(textOf(secret, name))) as F);
  } catch {
    return undefined;
  }
}
