import { afterEach, expect, it, vi } from 'vitest';
import { Publisher } from 'zeromq';
import { type BlockAnnouncements, subscribeToBlocks } from '../src/bitcoind/block-announcements.ts';

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const each of opened.splice(0)) each.close();
});

/** A node that announces until it has been heard: a subscription takes a moment to reach it. */
async function announce(onHeader: (header: Uint8Array) => void) {
  const node = new Publisher({ linger: 0 });
  await node.bind('tcp://127.0.0.1:*');
  const hashes: Uint8Array[] = [];
  const failures: unknown[] = [];
  const announcements: BlockAnnouncements = subscribeToBlocks(node.lastEndpoint ?? '', {
    onHeader,
    onHash: (hash) => void hashes.push(hash),
    onFailure: (error) => void failures.push(error),
  });
  opened.push(announcements, node);
  await vi.waitFor(async () => {
    await node.send(['hashblock', new Uint8Array(32)]);
    expect(hashes.length).toBeGreaterThan(0);
  });
  return { node, hashes, failures };
}

it('goes on when who listens throws', async () => {
  const headers: Uint8Array[] = [];
  const { node, failures } = await announce((header) => {
    headers.push(header);
    if (headers.length === 1) throw new Error('a fault of the listener');
  });
  for (const fill of [1, 2]) await node.send(['rawblock', new Uint8Array(200).fill(fill), new Uint8Array(4)]);
  await vi.waitFor(() => expect(headers).toHaveLength(2));
  expect(headers[1]).toEqual(new Uint8Array(80).fill(2));
  expect(failures).toHaveLength(1);
});

it('gives a hash in wire order, and leaves out what is no announcement', async () => {
  const headers: Uint8Array[] = [];
  const { node, hashes } = await announce((header) => void headers.push(header));
  await node.send(['rawblock', new Uint8Array(80)]);
  await node.send(['hashblock', new Uint8Array(31)]);
  await node.send(['hashblock', Uint8Array.from({ length: 32 }, (_, index) => index)]);
  await vi.waitFor(() => expect(hashes.at(-1)?.[0]).toBe(31));
  expect(hashes.every((hash) => hash.length === 32)).toBe(true);
  expect(headers).toEqual([]);
});
