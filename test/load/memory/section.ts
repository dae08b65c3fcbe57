// What is more with connections than before, by class, for each of them; as a section of a document.
import { show } from '../report/table.ts';
import type { Holding } from './heap-snapshot.ts';

/** Classes that hold less for a connection are summed up. */
const LEAST_BYTES = 32;
const KIB = 1_024;

export interface MemorySection {
  readonly title: string;
  readonly command: string;
  readonly process: string;
  readonly connections: number;
  readonly machine: readonly string[];
  readonly before: MemoryLook;
  readonly after: MemoryLook;
}

export interface MemoryLook {
  readonly holdings: ReadonlyMap<string, Holding>;
  /** MiB, in V8's heap and outside of it. */
  readonly inUse: number;
}

export function sectionOf({ title, command, process, connections, machine, before, after }: MemorySection): string {
  const more = [...after.holdings.values()]
    .map(({ owner, count, bytes }) => {
      const was = before.holdings.get(owner);
      return {
        owner,
        count: (count - (was?.count ?? 0)) / connections,
        bytes: (bytes - (was?.bytes ?? 0)) / connections,
      };
    })
    .sort((a, b) => b.bytes - a.bytes);
  const named = more.filter(({ bytes }) => bytes >= LEAST_BYTES);
  const rest = more.filter(({ bytes }) => bytes < LEAST_BYTES).reduce((sum, { bytes }) => sum + bytes, 0);
  const all = more.reduce((sum, { bytes }) => sum + bytes, 0);
  const inUse = ((after.inUse - before.inUse) * KIB * KIB) / connections;
  return [
    `## ${title}`,
    '',
    `\`npm run ${command}\` on ${new Date().toISOString().slice(0, 10)}: two heap snapshots of ${process}, of one process, with no connection after the first few have come and gone, and with ${show(connections)} that are held; what is`,
    'more in the second, for each of them. Bytes count for the nearest class on the shortest way to them, so that the store of an array, a string or a closure is who holds it.',
    `\`process.memoryUsage()\` says ${show(inUse)} bytes more in V8's heap and outside of it, garbage collected both times. What the system counts beside it stands in no snapshot.`,
    '',
    ...machine.map((text) => `- ${text}`),
    '',
    '| class | a connection has | bytes |',
    '|---|---:|---:|',
    `| **all** | | ${show(Math.round(all))} |`,
    ...named.map(({ owner, count, bytes }) => `| \`${owner}\` | ${show(count)} | ${show(Math.round(bytes))} |`),
    `| the rest | | ${show(Math.round(rest))} |`,
    '',
  ].join('\n');
}
