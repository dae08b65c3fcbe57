// What a process of Node still uses after its garbage was collected: what it takes from the system says little.
import type { Inspector } from './inspector.ts';

const MEBIBYTE = 1_048_576;

/** MiB in use, in V8's heap and outside of it. */
export async function memoryInUse(inspector: Inspector): Promise<number> {
  // What a first collection finds may be freed by a second.
  for (let times = 0; times < 2; times++) await inspector.call('HeapProfiler.collectGarbage');
  const expression = '(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())';
  const answer = await inspector.call('Runtime.evaluate', { expression, returnByValue: true });
  const bytes = (answer as { readonly result?: { readonly value?: number } }).result?.value;
  if (bytes === undefined) throw new Error('the inspector tells no memory');
  return bytes / MEBIBYTE;
}
