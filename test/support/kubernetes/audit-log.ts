// What one user asked the API server for, by its audit log.
import { createReadStream, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ControlPlane } from './control-plane.ts';

/** An event of `audit.k8s.io/v1`, as far as tests look at it. */
interface AuditEntry {
  readonly verb: string;
  readonly requestURI: string;
  readonly requestReceivedTimestamp: string;
  readonly user: { readonly username: string; readonly extra?: Readonly<Record<string, readonly string[]>> };
  readonly objectRef?: { readonly apiGroup?: string; readonly resource: string; readonly subresource?: string };
  readonly responseStatus?: { readonly code?: number };
  readonly annotations?: Readonly<Record<string, string>>;
}

/** All of one user, in the order in which they were answered; of a log that the API server has not begun a second file of. */
export const entriesOf = (user: string, { auditLog }: ControlPlane): readonly AuditEntry[] =>
  readFileSync(auditLog, 'utf8')
    .split('\n')
    // What stands behind the last one is a line that is being written.
    .slice(0, -1)
    // Most lines are of others.
    .filter((line) => line.includes(user))
    .map((line): AuditEntry => JSON.parse(line))
    .filter(({ user: { username } }) => username === user);

/** Those that change something, but for its lease. */
export const writesOf = (user: string, plane: ControlPlane): readonly AuditEntry[] =>
  entriesOf(user, plane).filter(
    ({ verb, objectRef }) => !['get', 'list', 'watch'].includes(verb) && objectRef?.resource !== 'leases',
  );

/**
 * How often for what, such as `get secrets`, `patch miningpools/status`, and `get /apis/GROUP/VERSION` of what is no object.
 * @param sinceMs when the first request came, as Unix time
 */
export async function requestsOf(
  user: string,
  plane: ControlPlane,
  sinceMs: number,
): Promise<ReadonlyMap<string, number>> {
  const requests = new Map<string, number>();
  // The API server begins another file after each hundred megabytes.
  const [directory, name] = [dirname(plane.auditLog), basename(plane.auditLog, '.log')];
  for (const file of globSync(`${name}*.log`, { cwd: directory }))
    for await (const line of createInterface({ input: createReadStream(join(directory, file)) })) {
      // Most lines are of others.
      if (!line.includes(user)) continue;
      const entry: AuditEntry & { readonly stage: string } = JSON.parse(line);
      const isWatch = entry.verb === 'watch';
      // A watch has two lines.
      if (entry.user.username !== user || entry.stage !== (isWatch ? 'ResponseStarted' : 'ResponseComplete')) continue;
      if (Date.parse(entry.requestReceivedTimestamp) < sinceMs) continue;
      const what = `${entry.verb} ${nameOf(entry)}`;
      requests.set(what, (requests.get(what) ?? 0) + 1);
    }
  return requests;
}

function nameOf({ objectRef, requestURI }: AuditEntry): string {
  if (objectRef === undefined) return requestURI;
  const { resource, subresource } = objectRef;
  return subresource === undefined ? resource : `${resource}/${subresource}`;
}
