// The in-process bus over a restart of its process: what was acknowledged is there, what was promised about numbers holds.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytesOf, expectCode, textOf, until } from '../../../test/support/bus-contract.ts';
import type { Bus } from '../src/bus.ts';
import { createInProcessBus } from '../src/in-process/in-process-bus.ts';

let directory: string;
let bus: Bus;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-bus-'));
  bus = await createInProcessBus({ directory });
});
afterEach(async () => {
  await bus.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Goes on with what the disk holds at this moment, as after kill -9. */
async function crash(): Promise<void> {
  const copy = mkdtempSync(join(tmpdir(), 'sluice-bus-'));
  cpSync(directory, copy, { recursive: true });
  await bus.close();
  rmSync(directory, { recursive: true, force: true });
  directory = copy;
  bus = await createInProcessBus({ directory });
}

describe('in-process bus over a restart', () => {
  it('has every acknowledged record, its id and its place', async () => {
    await bus.append('SHARES', 'shares.1', bytesOf('a'), { messageId: 'm1' });
    const { sequence } = await bus.append('SHARES', 'shares.1', bytesOf('b'), { messageId: 'm2' });
    await bus.append('TEMPLATES', 'tip.a', bytesOf('gone'));
    await crash();
    expect((await bus.read('SHARES', 1, 10)).map(({ payload }) => textOf(payload))).toEqual(['a', 'b']);
    expect(await bus.append('SHARES', 'shares.1', bytesOf('b'), { messageId: 'm2' })).toEqual({
      sequence,
      duplicate: true,
    });
    await expectCode(
      bus.append('SHARES', 'shares.1', bytesOf('c'), { expectedLastSubjectSequence: 1 }),
      'bus-wrong-sequence',
    );
    expect((await bus.append('SHARES', 'shares.1', bytesOf('c'), { expectedLastSubjectSequence: 2 })).sequence).toBe(3);
    expect((await bus.state('TEMPLATES')).lastSequence).toBe(0);
  });

  it('has every acknowledged key and never gives a revision again', async () => {
    const bucket = await bus.kv('extranonce');
    const first = await bucket.create('range', bytesOf('1'));
    const second = await bucket.update('range', bytesOf('2'), first);
    await bucket.put('other', bytesOf('x'));
    await bucket.delete('other');
    await crash();
    const again = await bus.kv('extranonce');
    const entry = await again.get('range');
    expect(entry && [textOf(entry.value), entry.revision]).toEqual(['2', second]);
    expect(await again.keys()).toEqual(['range']);
    expect(await again.update('range', bytesOf('3'), second)).toBeGreaterThan(second + 2);
  });

  it('keeps revisions growing when a bucket is written anew', async () => {
    const bucket = await bus.kv('channels');
    let revision = 0;
    for (let round = 0; round < 30; round++) revision = await bucket.put('k', new Uint8Array(50_000));
    await bucket.delete('k');
    await crash();
    const again = await bus.kv('channels');
    expect(await again.keys()).toEqual([]);
    expect(await again.create('k', bytesOf('1'))).toBeGreaterThan(revision + 1);
  });

  it('frees the leases of the process that died, with revisions that go on', async () => {
    const leases = await bus.kv('leases');
    const revision = await leases.create('leader', bytesOf('me'));
    await crash();
    const again = await bus.kv('leases');
    expect(await again.create('leader', bytesOf('me too'))).toBeGreaterThan(revision);
  });

  it('goes on with a durable where it stood', async () => {
    for (const text of ['a', 'b', 'c']) await bus.append('SHARES', 'shares.1', bytesOf(text));
    const seen: string[] = [];
    const handler = (message: { payload: Uint8Array }) => void seen.push(textOf(message.payload));
    const consumer = await bus.consume('SHARES', { durable: 'd', batch: 1 }, handler);
    await until(() => seen.length === 3);
    await consumer.close();
    await bus.close();
    bus = await createInProcessBus({ directory });
    await bus.append('SHARES', 'shares.1', bytesOf('d'));
    await bus.consume('SHARES', { durable: 'd', batch: 1 }, handler);
    await until(() => seen.length === 4);
    expect(seen).toEqual(['a', 'b', 'c', 'd']);
  });

  it('gives a consumer of one subject its records and reads past the others, sealed segments and new ones', async () => {
    await bus.close();
    bus = await createInProcessBus({ directory, maxBytes: { SHARES: 64_000 } });
    const append = (subject: string, from: number, to: number) =>
      Promise.all(
        Array.from({ length: to - from }, (_, index) => bus.append('SHARES', subject, bytesOf(String(from + index)))),
      );
    await append('shares.1', 0, 300);
    await append('shares.2', 0, 3);
    await append('shares.1', 300, 400);
    await append('shares.2', 3, 5);
    const seen: string[] = [];
    const consumer = await bus.consume('SHARES', { filter: 'shares.2', batch: 8 }, ({ payload }) => {
      seen.push(textOf(payload));
    });
    await until(() => seen.length === 5);
    await append('shares.1', 400, 420);
    await append('shares.2', 5, 7);
    await until(() => seen.length === 7);
    expect(seen).toEqual(['0', '1', '2', '3', '4', '5', '6']);
    await consumer.close();
  });

  it('lets one bus at a time write a folder', async () => {
    await expectCode(createInProcessBus({ directory }), 'bus-storage-failed');
    await bus.close();
    bus = await createInProcessBus({ directory });
  });

  it('gives the folder back when it cannot be opened', async () => {
    await bus.append('CREDITS', 'credit.1', bytesOf('x'));
    await bus.close();
    const folder = join(directory, 'streams', 'CREDITS');
    const [segment = ''] = readdirSync(folder);
    writeFileSync(join(folder, '0000000000000009.log'), '');
    renameSync(join(folder, segment), join(folder, 'away'));
    writeFileSync(join(folder, segment), 'damaged');
    await expectCode(createInProcessBus({ directory }), 'bus-storage-failed');
    renameSync(join(folder, 'away'), join(folder, segment));
    rmSync(join(folder, '0000000000000009.log'));
    bus = await createInProcessBus({ directory });
    expect((await bus.state('CREDITS')).lastSequence).toBe(1);
  });

  it('waits for no process that was killed', async () => {
    await bus.close();
    const module = join(import.meta.dirname, '../src/in-process/directory-lock.ts');
    const script = `import { lockDirectory } from ${JSON.stringify(module)};
      lockDirectory(${JSON.stringify(directory)});
      console.log('held');
      setInterval(() => undefined, 1_000);`;
    const holder = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    await expectCode(createInProcessBus({ directory }), 'bus-storage-failed');
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    bus = await createInProcessBus({ directory });
  });
});
