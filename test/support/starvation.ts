// What processes lose to others on a machine that has no core left for them. A time that is promised is that of a machine which has one: what they
// waited for it is taken off.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const NS_PER_MS = 1e6;

/** Of the thread of a process that was worst off since it was started, in milliseconds. */
export const starvedMs = (pid: number): number => Math.max(0, ...waits(pid).values()) / NS_PER_MS;

export class Starvation {
  readonly #pids: readonly number[];
  readonly #before: ReadonlyMap<number, ReadonlyMap<string, number>>;

  /** @param pids of the processes that hand the work on, one to the next */
  constructor(pids: readonly (number | undefined)[]) {
    this.#pids = pids.filter((pid) => pid !== undefined);
    this.#before = new Map(this.#pids.map((pid) => [pid, waits(pid)]));
  }

  /** Milliseconds since then for which they could have run and all cores were taken: of each the thread that was worst off. */
  get sinceMs(): number {
    const waited = this.#pids.map((pid) => {
      const before = this.#before.get(pid);
      return Math.max(0, ...[...waits(pid)].map(([thread, ns]) => ns - (before?.get(thread) ?? 0)));
    });
    return waited.reduce((sum, ns) => sum + ns, 0) / NS_PER_MS;
  }
}

/** Nanoseconds in the queue for a core, by thread; none of a process that is gone, or where the kernel does not tell. */
function waits(pid: number): ReadonlyMap<string, number> {
  const threads = `/proc/${pid}/task`;
  const waited = new Map<string, number>();
  for (const thread of threadsOf(threads)) {
    // One that ends meanwhile may not take the others along: all that they ever waited would be taken off then.
    try {
      waited.set(thread, Number(readFileSync(join(threads, thread, 'schedstat'), 'utf8').split(' ')[1]));
    } catch {}
  }
  return waited;
}

function threadsOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
