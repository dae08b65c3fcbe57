// How a heap snapshot is read: whose the bytes are, of a real one of this process.
import { Session } from 'node:inspector/promises';
import { describe, expect, it } from 'vitest';
import { type HeapSnapshot, holdingsOf } from '../load/memory/heap-snapshot.ts';
import { sectionOf } from '../load/memory/section.ts';

async function snapshot(): Promise<HeapSnapshot> {
  const session = new Session();
  session.connect();
  const chunks: string[] = [];
  session.on('HeapProfiler.addHeapSnapshotChunk', ({ params }) => chunks.push(params.chunk));
  await session.post('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
  session.disconnect();
  return JSON.parse(chunks.join('')) as HeapSnapshot;
}

class HeldByTheTest {
  readonly numbers = new Float64Array(128);
  readonly list = Array.from({ length: 100 }, (_, index) => ({ index }));
}

describe('a heap snapshot', () => {
  it('has what a class holds, its arrays and plain objects with it', async () => {
    const before = holdingsOf(await snapshot());
    const held = Array.from({ length: 50 }, () => new HeldByTheTest());
    const after = holdingsOf(await snapshot());
    expect(before.get('HeldByTheTest')?.count ?? 0).toBe(0);
    const holding = after.get('HeldByTheTest');
    expect(holding?.count).toBe(held.length);
    // 1 KiB of numbers, and a hundred objects with a number each.
    const bytes = ((holding?.bytes ?? 0) - (before.get('HeldByTheTest')?.bytes ?? 0)) / held.length;
    expect(bytes).toBeGreaterThan(1_024 + 100 * 16);
    expect(bytes).toBeLessThan(8_192);
  });

  it('is summed up for each connection, without what there was before', () => {
    const look = (count: number, bytes: number, inUse: number) => ({
      holdings: new Map([['Socket', { owner: 'Socket', count, bytes }]]),
      inUse,
    });
    const section = sectionOf({
      ...{ title: 'What it holds', command: 'load:memory', process: 'connection-gateway', connections: 10 },
      ...{ machine: [], before: look(1, 100, 1), after: look(11, 5_100, 2) },
    });
    expect(section).toContain('| **all** | | 500 |');
    expect(section).toContain('| `Socket` | 1 | 500 |');
    expect(section).toContain('says 104,858 bytes more');
  });
});
