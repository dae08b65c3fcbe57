// The configuration of managed NATS servers: what stays, and beside it, in a file of its own, the users, which the servers read again when told to.

import type { ServiceName } from '@sluice/bus/subjects';
import { type UserPermissions, userPermissions } from '@sluice/bus/user-permissions';
import { contentHash } from './content-hash.ts';
import { natsHosts, natsPorts } from './nats-names.ts';
import { type ManagedBus, storeBytes } from './stream-bounds.ts';

/** For streams in memory. */
const MEMORY_BYTES = 268_435_456;
export const USERS_FILE = 'users.conf';
export const ROUTES_FILE = 'routes.conf';

/** Folders of a server's pod. */
export const natsFolders = {
  config: '/etc/nats/config',
  secret: '/etc/nats/secret',
  data: '/data',
  run: '/run/nats',
} as const;
export const PID_FILE = `${natsFolders.run}/nats.pid`;

/**
 * By which a server has the name that its pod gives it by a flag. Named by the flag alone it would refuse to read its users again: to it that is another
 * name. In this file, which is no part of the pods' template, servers that run get it as well.
 */
const SERVER_NAME = '  "server_name": $POD_NAME,\n';

/** A user at managed servers. Two of one component, the second with another name, are there while passwords are exchanged. */
export interface NatsUser {
  /** The service that it may act as; `system` for who tells the servers to read their users again. */
  readonly component: ServiceName | 'system';
  /** Letters, digits, `-` and `_`. */
  readonly name: string;
  /** By bcrypt. */
  readonly passwordHash: string;
}

/** @param pool its name */
export function natsConfig(pool: string, bus: ManagedBus): string {
  const lines = [
    `listen: "0.0.0.0:${natsPorts.client}"`,
    `http: "0.0.0.0:${natsPorts.monitor}"`,
    `pid_file: "${PID_FILE}"`,
    // Clients are sent away over this time before a server ends.
    'lame_duck_duration: "30s"',
    'lame_duck_grace_period: "5s"',
    // What is acknowledged is on the disk.
    `jetstream { store_dir: "${natsFolders.data}", max_mem: ${MEMORY_BYTES}, max_file: ${storeBytes(bus)}, sync_interval: always }`,
    `include "../secret/${USERS_FILE}"`,
    ...(bus.replicas === 1
      ? []
      : [`cluster { name: "${pool}", listen: "0.0.0.0:${natsPorts.cluster}", include "../secret/${ROUTES_FILE}" }`]),
  ];
  return `${lines.join('\n')}\n`;
}

/** The files of the servers' Secret. @param routePassword by which servers know each other, of letters and digits */
export function natsSecretFiles(
  pool: string,
  { replicas }: ManagedBus,
  users: readonly NatsUser[],
  routePassword: string,
): Readonly<Record<string, string>> {
  const routes = natsHosts(pool, replicas).map((host) => `nats://route:${routePassword}@${host}:${natsPorts.cluster}`);
  const cluster = { authorization: { user: 'route', password: routePassword }, routes };
  return {
    // By its tag each server says which users it has read.
    [USERS_FILE]: asText({ server_tags: [usersTag(users)], ...accounts(users) }).replace(
      '{\n',
      () => `{\n${SERVER_NAME}`,
    ),
    ...(replicas === 1 ? {} : { [ROUTES_FILE]: asText(cluster) }),
  };
}

/** Names users with their passwords and with what they may do; lower case, as servers make their tags. */
export const usersTag = (users: readonly NatsUser[]): string => `users:${contentHash(accounts(users))}`;

/** The users' file but for what is no JSON in it. */
export const usersFileAsJson = (text: string): string => text.replace(SERVER_NAME, '');

/** The format of NATS takes JSON. */
const asText = (value: object) => `${JSON.stringify(value, null, 2)}\n`;

function accounts(users: readonly NatsUser[]): object {
  const isSystem = ({ component }: NatsUser) => component === 'system';
  return {
    accounts: {
      POOL: { jetstream: 'enabled', users: users.filter((user) => !isSystem(user)).map(entry) },
      SYSTEM: { users: users.filter(isSystem).map(entry) },
    },
    system_account: 'SYSTEM',
  };
}

function entry({ component, name, passwordHash }: NatsUser): object {
  const credentials = { user: name, password: passwordHash };
  if (component === 'system') return credentials;
  return { ...credentials, permissions: permissions(userPermissions(component, name)) };
}

const permissions = ({ publish, subscribe, answers }: UserPermissions) => ({
  publish: { allow: publish },
  subscribe: { allow: subscribe },
  ...(answers ? { allow_responses: true } : {}),
});
