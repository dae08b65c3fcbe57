// A thread that hears of bitcoind's blocks as a template-provider does, and stamps each announcement: here nothing stands in the way of the
// stamp, while the miners' thread may be busy with the very messages that are measured.
import { parentPort, workerData } from 'node:worker_threads';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import { subscribeToBlocks } from '../../services/template-provider/src/bitcoind/block-announcements.ts';

const HEADER_BYTES = 80;

/** A block hash, hexadecimal in wire order, and when its announcement arrived, in `process.hrtime` nanoseconds. */
export interface Announcement {
  readonly hash: string;
  readonly at: bigint;
}

const announcements = subscribeToBlocks(workerData as string, (block) => {
  const at = process.hrtime.bigint();
  const hash = Buffer.from(wasmSha256d.sha256d(block.subarray(0, HEADER_BYTES))).toString('hex');
  parentPort?.postMessage({ hash, at } satisfies Announcement);
});
// Any word from the miners' thread is the last: a thread that ends with its socket open takes the process with it.
parentPort?.once('message', () => announcements.close());
