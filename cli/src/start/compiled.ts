// A machine's first start compiles what later ones find in the cache, and Node keeps its compiler for TypeScript, some 30 MB, for as long
// as the process lives. So the first start, once all is compiled, becomes a second one: the same process, with nothing opened yet.
import { flushCompileCache, getCompileCacheDir } from 'node:module';

/** Name of the process that has begun anew: a cache that keeps nothing must not make it begin for ever. */
const AGAIN = 'sluice';
const COMPILER = /amaro/;

/** Does not return where the process begins anew. @param load brings in what is only loaded later, or by threads. */
export async function beginCompiled(load: () => Promise<unknown>): Promise<void> {
  const { moduleLoadList } = process as { moduleLoadList?: readonly string[] };
  const compiles = moduleLoadList?.some((name) => COMPILER.test(name)) === true;
  if (!compiles || process.argv0 === AGAIN || getCompileCacheDir() === undefined) return;
  // Windows cannot put a program into the place of a process.
  if (process.platform === 'win32') return;
  await load();
  flushCompileCache();
  process.execve?.(process.execPath, [AGAIN, ...process.execArgv, ...process.argv.slice(1)], process.env);
}
