// Node's `--import` of a gateway whose process is to have more of them, each in a thread, with its own connection to the bus and its own
// listener on the same port: `gateway-threads.ts?threads=1`.
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, workerData } from 'node:worker_threads';
import { startThread } from '@sluice/runtime/thread';

if (isMainThread) {
  // As the command does, which comes later.
  enableCompileCache(join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'sluice', 'compiled'));
  const [, , , ...flags] = process.argv;
  const set = (flag: string, value: string) => flags.splice(flags.indexOf(flag) + 1, 1, value);
  const threads = Number(new URL(import.meta.url).searchParams.get('threads'));
  for (let thread = 1; thread <= threads; thread++) {
    set('--gateway-label', `gateway-${thread}`);
    set('--health', '127.0.0.1:0');
    startThread(new URL(import.meta.url), { workerData: [...flags], execArgv: [] });
  }
} else {
  const { main } = await import('../../../services/connection-gateway/src/main.ts');
  await main(workerData);
}
