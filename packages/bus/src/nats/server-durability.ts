// What the servers are set to, read from their monitoring address: JetStream acknowledges before it syncs unless `sync_interval`
// is `always`, and only the server knows. Every server that holds a stream must say so; silence counts as not durable.
import type { Durability } from '../bus.ts';

const READ_TIMEOUT_MS = 2_000;

interface Varz {
  readonly server_name?: string;
  readonly jetstream?: { readonly config?: { readonly sync_always?: boolean } };
}

/** Server names by whether they sync before they acknowledge; addresses that gave no answer are left out. */
export async function readServerSettings(monitors: readonly string[]): Promise<ReadonlyMap<string, boolean>> {
  const settings = new Map<string, boolean>();
  await Promise.all(
    monitors.map(async (monitor) => {
      try {
        const response = await fetch(new URL('/varz', monitor), { signal: AbortSignal.timeout(READ_TIMEOUT_MS) });
        const varz = (await response.json()) as Varz;
        if (varz.server_name === undefined || varz.jetstream?.config === undefined) return;
        settings.set(varz.server_name, varz.jetstream.config.sync_always === true);
      } catch {
        // No answer is an answer: the server stays out of the map.
      }
    }),
  );
  return settings;
}

/** `holders`: names of the servers that keep file streams. */
export function durabilityOf(holders: ReadonlySet<string>, settings: ReadonlyMap<string, boolean>): Durability {
  const answers = [...holders].map((name) => settings.get(name));
  if (answers.includes(false)) return 'not-synced';
  return holders.size > 0 && answers.every((synced) => synced === true) ? 'synced' : 'unknown';
}
