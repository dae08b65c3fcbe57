// What the servers are set to, read from their monitoring address: JetStream acknowledges before it syncs unless `sync_interval`
// is `always`, and only the server knows. Every server that holds a stream must say so; silence counts as not durable.
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { json } from 'node:stream/consumers';
import type { Durability } from '../bus.ts';

const READ_TIMEOUT_MS = 2_000;

interface Varz {
  readonly server_name?: string;
  readonly jetstream?: { readonly config?: { readonly sync_always?: boolean; readonly sync_interval?: number } };
}

/** How a server syncs. */
export interface SyncSetting {
  /** Before it acknowledges. */
  readonly always: boolean;
  readonly intervalSeconds: number;
}

/** The settings by server name; addresses that gave no answer are left out. */
export async function readServerSettings(monitors: readonly string[]): Promise<ReadonlyMap<string, SyncSetting>> {
  const settings = new Map<string, SyncSetting>();
  await Promise.all(
    monitors.map(async (monitor) => {
      try {
        const varz = await readVarz(new URL('/varz', monitor));
        if (varz.server_name === undefined || varz.jetstream?.config === undefined) return;
        const { sync_always = false, sync_interval = 0 } = varz.jetstream.config;
        settings.set(varz.server_name, { always: sync_always, intervalSeconds: sync_interval / 1e9 });
      } catch {
        // No answer is an answer: the server stays out of the map.
      }
    }),
  );
  return settings;
}

/** With what a service has loaded anyway: for one small answer now and then, `fetch` would bring 6 MB and a pool of connections each time. */
async function readVarz(url: URL): Promise<Varz> {
  const { get } = url.protocol === 'https:' ? https : http;
  const request = get(url, { agent: false, signal: AbortSignal.timeout(READ_TIMEOUT_MS) });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return (await json(response)) as Varz;
}

/** `holders`: names of the servers that keep file streams. */
export function durabilityOf(holders: ReadonlySet<string>, settings: ReadonlyMap<string, SyncSetting>): Durability {
  const answers = [...holders].map((name) => settings.get(name)?.always);
  if (answers.includes(false)) return 'not-synced';
  return holders.size > 0 && answers.every((synced) => synced === true) ? 'synced' : 'unknown';
}

/** Why an acknowledged record may be on no disk, for a person; `undefined` when all is well. */
export function durabilityTrouble(
  holders: ReadonlySet<string>,
  settings: ReadonlyMap<string, SyncSetting>,
): string | undefined {
  const unsynced = [...holders].flatMap((name) => {
    const setting = settings.get(name);
    return setting === undefined || setting.always ? [] : [`${name} has sync_interval ${setting.intervalSeconds}s`];
  });
  if (unsynced.length > 0) return `acknowledged shares are not synced: server ${unsynced.join(', ')}, not always`;
  const silent = [...holders].filter((name) => !settings.has(name));
  if (silent.length === 0) return undefined;
  return `whether acknowledged shares are synced is unknown: no address of natsMonitors tells of server ${silent.join(', ')}`;
}
