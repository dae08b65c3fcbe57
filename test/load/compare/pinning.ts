// Which cores things run on: half of them for the load, the others for all that it is measured against, node and template provider
// included. A process begins on the cores that the main thread of its parent is on.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export class Pinning {
  /** As `taskset -c` takes them; absent: not pinned. */
  readonly #cores: { readonly servers: string; readonly load: string } | undefined;
  readonly text: string;

  constructor(unpinned: boolean) {
    const cores = allowedCores('self');
    const half = Math.floor(cores.length / 2);
    if (unpinned || half === 0 || !canPin()) {
      this.text = 'nothing is pinned to a core';
      return;
    }
    this.#cores = { servers: cores.slice(0, cores.length - half).join(','), load: cores.slice(-half).join(',') };
    this.text = `the load on core ${this.#cores.load}, everything else on core ${this.#cores.servers} (taskset), the same for both`;
  }

  /** Processes that `start` starts are the measured side. */
  async amongServers<T>(start: () => Promise<T>): Promise<T> {
    if (this.#cores === undefined) return start();
    move(this.#cores.servers);
    try {
      return await start();
    } finally {
      move(this.#cores.load);
    }
  }

  /** @throws when a process is not where it is said to be. */
  check(pids: readonly number[]): void {
    if (this.#cores === undefined) return;
    for (const pid of pids) {
      const cores = allowedCores(String(pid)).join(',');
      if (cores !== this.#cores.servers) throw new Error(`process ${pid} may run on core ${cores}`);
    }
  }
}

/** This process's main thread; its other threads do next to nothing. */
function move(cores: string): void {
  execFileSync('taskset', ['-cp', cores, String(process.pid)], { stdio: 'ignore' });
}

function canPin(): boolean {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function allowedCores(pid: string): readonly number[] {
  const list = /^Cpus_allowed_list:\s+(\S+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
