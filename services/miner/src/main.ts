// Composition root of the miner. It is a tool and not a service: it opens no port, so that many run on one machine.
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import { connectTcp } from '@sluice/client/tcp';
import { fastestEc } from '@sluice/noise/fastest-ec';
import { wasmAead } from '@sluice/noise/wasm-aead';
import { systemClock } from '@sluice/runtime/clock';
import { type CommandTables, readCommandLine } from '@sluice/runtime/config/command-line';
import { ExitCode } from '@sluice/runtime/exit-code';
import { createLogger } from '@sluice/runtime/logger';
import { randomBytes } from '@sluice/runtime/random';
import { findSecp256k1Wasm } from '@sluice/runtime/secp256k1-wasm';
import { Shutdown, shutdownOnSignals } from '@sluice/runtime/shutdown';
import { type MinerConfig, minerRule, minerSettings } from './config.ts';
import { ThreadEngine } from './hashing/thread-engine.ts';
import { createMiner } from './miner.ts';
import { printEvents, statisticsEvent, statisticsLine } from './output.ts';

export async function main(argv: readonly string[], commands?: CommandTables): Promise<number> {
  const line = await readCommandLine({
    ...{ name: 'miner', doc: 'A Stratum V2 miner on the CPU.', argv, commands },
    ...{ settings: minerSettings, rule: minerRule },
  });
  return line.config === undefined ? line.exitCode : mine(line.config);
}

async function mine(config: MinerConfig): Promise<number> {
  const { pool, identity, extended, channels, standardJobs, fixedVersion, hashrate, once, json } = config;
  const log = createLogger({
    ...{ name: 'miner', level: config.logLevel, destination: process.stderr },
    format: json ? 'json' : 'text',
  });
  const shutdown = new Shutdown(log);
  const ignoreSignals = shutdownOnSignals(shutdown, log);
  if (pool.authorityKey === undefined) log.warn('no authority key in the URL: any server is trusted');
  const wasm = findSecp256k1Wasm();
  if (wasm === undefined)
    log.warn('handshakes use the reference curve, which is slower and not constant-time: run npm run secp256k1');
  const ec = fastestEc(wasm, randomBytes);
  const clock = systemClock;
  const engines = Array.from({ length: config.threads }, () => new ThreadEngine());
  const miner = createMiner(
    {
      ...{ pool, identity, channels, standardJobsOnly: standardJobs, versionRolling: !fixedVersion },
      kind: extended ? 'extended' : 'standard',
      once,
      ...(hashrate === undefined ? {} : { hashrate }),
    },
    { clock, log, random: randomBytes, ec, aead: wasmAead(), sha256d: wasmSha256d, engines, connect: connectTcp },
  );
  const now = () => clock.now();
  const write = (line: string) => void process.stdout.write(line);
  if (json) printEvents(miner, now, write);
  const report = () => write(`${json ? statisticsEvent(miner, now) : statisticsLine(miner)}\n`);
  // Without a connection there is nothing to count; why, the log has said.
  const reportWork = () => (json || miner.connected) && report();
  const timer = setInterval(reportWork, config.statistics * 1000);
  shutdown.add('miner', () => miner.stop());
  await miner.start();
  const stopped = shutdown.requested().then(() => true);
  const asked = await Promise.race([stopped, miner.ended.then(() => false)]);
  clearInterval(timer);
  const clean = await shutdown.run();
  report();
  ignoreSignals();
  return clean && asked ? ExitCode.ok : ExitCode.failed;
}
