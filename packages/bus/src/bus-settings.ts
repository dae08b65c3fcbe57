// How a service process comes to its bus: the settings that every service shares, and the connection made from them.
import { X509Certificate } from 'node:crypto';
import { usernamePasswordAuthenticator } from '@nats-io/nats-core';
import type { Clock } from '@sluice/runtime/clock';
import { type ConfigOf, type ConfigRule, defineConfig } from '@sluice/runtime/config';
import { readableFile, secretFile } from '@sluice/runtime/config/path-types';
import { integer, listOf, oneOfNumbers, text, url } from '@sluice/runtime/config/value-types';
import { codeOf, messageOf } from '@sluice/runtime/errors';
import type { Health } from '@sluice/runtime/health';
import type { Logger } from '@sluice/runtime/logger';
import type { MetricsRegistry } from '@sluice/runtime/metrics';
import { readSecretFile } from '@sluice/runtime/secret-file';
import type { Bus } from './bus.ts';

import { FirstConnection } from './first-connection.ts';
import { followBus } from './metrics.ts';
import { connectNatsBus } from './nats/nats-bus.ts';
import { type StreamName, streams } from './streams.ts';
import type { ServiceName } from './subjects.ts';
import { inboxOf } from './user-permissions.ts';

/** Without user and password, which everybody would see there. */
function plainUrl(schemes: readonly string[]) {
  return {
    ...url(schemes),
    fault: ({ username, password }: URL) =>
      username === '' && password === '' ? undefined : 'a user or password in the URL, where everybody sees it',
    allowed: schemes.map((scheme) => `${scheme}://host:port`).join(' or '),
  };
}

function certificateFault(text: string): string | undefined {
  try {
    new X509Certificate(text);
    return undefined;
  } catch {
    return 'holds no certificate in PEM';
  }
}

export const busSettings = defineConfig({
  nats: {
    type: listOf(plainUrl(['nats', 'tls'])),
    default: [new URL('nats://127.0.0.1:4222')],
    doc: 'NATS servers; one that answers is enough, the others are learnt from it.',
  },
  natsUser: {
    type: text({ allowed: 'a user name without white space', placeholder: 'NAME', pattern: /^\S+$/ }),
    optional: true,
    doc: 'User at the NATS servers, with natsPasswordFile.',
  },
  natsPasswordFile: {
    type: secretFile({ holds: 'the password' }),
    optional: true,
    doc: "File that holds that user's password; read for each connection, so that it may be exchanged.",
  },
  natsCaFile: {
    type: readableFile({ holds: 'a certificate in PEM', fault: certificateFault }),
    optional: true,
    doc: 'Certificate authority of the NATS servers; with it the connection must be TLS.',
  },
  natsMonitors: {
    type: listOf(plainUrl(['http', 'https'])),
    default: [],
    doc: 'Monitoring addresses of all NATS servers, from which it is read whether they sync before they acknowledge; without them that is unknown.',
  },
  natsReplicas: {
    type: oneOfNumbers([1, 3, 5]),
    default: 1,
    doc: 'Copies of each stream and bucket: 1 with one server, 3 with three or more.',
  },
  natsSharesBytes: {
    type: integer({ min: 1_048_576, max: 1_000_000_000_000_000 }),
    default: 16 * 1_073_741_824,
    doc: 'Bound of the stream of shares in bytes; at the bound shares are refused, at 70 % the alarm is raised.',
  },
  natsCreditsBytes: {
    type: integer({ min: 1_048_576, max: 1_000_000_000_000_000 }),
    default: 16 * 1_073_741_824,
    doc: 'Bound of the stream of credits in bytes, which nothing is ever removed from; at the bound shares wait to be credited.',
  },
});
export type BusConfig = ConfigOf<typeof busSettings>;

/** A user has a password. */
export const busRule: ConfigRule<typeof busSettings> = ({ natsUser, natsPasswordFile }, placeOf) => {
  if ((natsUser === undefined) === (natsPasswordFile === undefined)) return [];
  const [set, missing] =
    natsUser === undefined ? (['natsPasswordFile', 'natsUser'] as const) : (['natsUser', 'natsPasswordFile'] as const);
  return [{ setting: set, problem: `set without ${placeOf(missing)}`, allowed: 'both or neither' }];
};

export interface BusModules {
  readonly service: ServiceName;
  /** Names the connection on the server together with the service. */
  readonly instance?: string;
  readonly log: Logger;
  readonly clock: Clock;
  /** The process is not ready while the bus is away, or lets it not hear what it has to. */
  readonly health: Health;
  /** With it the bus's own metrics are registered. */
  readonly metrics?: MetricsRegistry;
}

/** Connects over NATS, waiting for the first server as long as it takes. */
export async function connectBus(config: BusConfig, modules: BusModules): Promise<Bus> {
  const { service, instance, log, metrics, health } = modules;
  const servers = config.nats.map(({ protocol, host }) => `${protocol}//${host}`).join(', ');
  const waiting = new FirstConnection(servers, log);
  let present: Bus | undefined;
  health.check('bus', () => {
    if (present === undefined) return waiting.reason;
    if (present.status() === 'down') return 'the bus is down';
    const { patterns } = present.refusals();
    return patterns.length === 0 ? undefined : `the servers refuse ${patterns.join(', ')}`;
  });
  const { natsUser, natsPasswordFile, natsCaFile } = config;
  const bus = await connectNatsBus({
    name: instance === undefined ? service : `${service}-${instance}`,
    servers: config.nats.map((server) => server.href.replace(/\/$/, '')),
    replicas: config.natsReplicas,
    maxBytes: { SHARES: config.natsSharesBytes, CREDITS: config.natsCreditsBytes },
    monitors: config.natsMonitors.map((monitor) => monitor.href),
    onError: (error) => log.warn({ code: codeOf(error), reason: messageOf(error) }, 'bus'),
    onUnreachable: (error) => waiting.failed(error),
    onDurability: (trouble) =>
      trouble === undefined ? log.info('acknowledged shares are synced') : log.warn({ servers }, trouble),
    ...(natsUser === undefined ? {} : asUser(service, natsUser)),
    ...(natsUser === undefined || natsPasswordFile === undefined
      ? {}
      : { authenticator: usernamePasswordAuthenticator(natsUser, passwordOf(natsPasswordFile)) }),
    ...(natsCaFile === undefined ? {} : { tls: { caFile: natsCaFile } }),
  });
  waiting.over();
  present = bus;
  bus.onStatus((status) => log.info({ status }, 'bus'));
  if (metrics !== undefined) followBus(metrics, bus);
  return bus;
}

/** Users may be restricted to what their service has to do: to the streams that it makes, and to answers that no other user hears. */
function asUser(service: ServiceName, user: string) {
  const mayMake = (stream: StreamName) => streams[stream].creator === service;
  // Where the name can stand in a subject.
  return { mayMake, ...(/^[\w-]+$/.test(user) ? { inboxPrefix: inboxOf(user) } : {}) };
}

/** Read for each connection, since Kubernetes exchanges a mounted file; what was read last stands in where it cannot be. */
function passwordOf(file: string): () => string {
  let password = readSecretFile(file);
  return () => {
    try {
      password = readSecretFile(file);
    } catch {
      // It is just being exchanged.
    }
    return password;
  };
}
