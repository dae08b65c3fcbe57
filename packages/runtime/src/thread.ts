// Worker threads that read the process's cache of compiled modules. A thread does not do so by itself: it would load a compiler for
// TypeScript of its own and keep some 30 MB for it.
import { flushCompileCache, getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { Worker, type WorkerOptions } from 'node:worker_threads';

/** Runs a module in a thread. */
export function startThread(module: URL, options: WorkerOptions = {}): Worker {
  const directory = getCompileCacheDir();
  const load = `import(${JSON.stringify(module.href)})`;
  if (directory === undefined) return new Worker(load, { ...options, eval: true });
  // What this thread has compiled since the start, the new one finds.
  flushCompileCache();
  // The folder that Node names is one for its version within the one that it was given.
  const cache = `require('node:module').enableCompileCache(${JSON.stringify(dirname(directory))})`;
  return new Worker(`${cache};${load}`, { ...options, eval: true });
}
