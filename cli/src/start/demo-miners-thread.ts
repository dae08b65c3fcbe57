// The thread of the demo miners: each a client of its own, all sharing one core and leaving a part of it to others.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import { connectTcp } from '@sluice/client/tcp';
import { InlineEngine } from '@sluice/miner/hashing/inline-engine';
import { createMiner } from '@sluice/miner/miner';
import { wasmAead } from '@sluice/noise/wasm-aead';
import { systemClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { randomBytes } from '@sluice/runtime/random';
import { curve } from '../curve.ts';
import type { DemoThreadData, DemoThreadReport } from './demo-miners.ts';

const REPORT_MS = 1_000;

async function mine(port: MessagePort): Promise<void> {
  const { count, duty, address, authorityKey } = workerData as DemoThreadData;
  const modules = {
    clock: systemClock,
    log: silentLogger(),
    random: randomBytes,
    ec: curve(),
    aead: wasmAead(),
    sha256d: wasmSha256d,
    connect: connectTcp,
  };
  const miners = Array.from({ length: count }, (_, index) =>
    createMiner(
      {
        pool: { ...address, authorityKey },
        identity: `demo.${index + 1}`,
        // Both kinds of channel are shown.
        kind: index % 2 === 0 ? 'standard' : 'extended',
        channels: 1,
        duty: duty / count,
      },
      { ...modules, engines: [new InlineEngine(wasmSha256d)] },
    ),
  );

  const timer = setInterval(() => {
    const hashesPerSecond = miners.reduce((total, miner) => total + miner.hashrate(), 0);
    port.postMessage({ hashesPerSecond } satisfies DemoThreadReport);
  }, REPORT_MS);

  port.once('message', async () => {
    clearInterval(timer);
    await Promise.all(miners.map((miner) => miner.stop()));
    port.close();
  });
  await Promise.all(miners.map((miner) => miner.start()));
}

// The main thread loads this file only to have it compiled.
if (parentPort !== null) await mine(parentPort);
