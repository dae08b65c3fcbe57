// `sluice start`: the whole pool on one machine, with a live view.
import { join } from 'node:path';
import { nobleEc } from '@sluice/noise/noble-ec';
import { systemClock } from '@sluice/runtime/clock';
import { type CommandTables, readCommandLine } from '@sluice/runtime/config/command-line';
import { formatHostPort, type HostPort } from '@sluice/runtime/config/value-types';
import { codedMessageOf } from '@sluice/runtime/errors';
import { ExitCode } from '@sluice/runtime/exit-code';
import { Health, startHealthServer } from '@sluice/runtime/health';
import { createLogger } from '@sluice/runtime/logger';
import { MetricsRegistry } from '@sluice/runtime/metrics';
import { Shutdown, shutdownOnSignals } from '@sluice/runtime/shutdown';
import { openAuthorityKey, poolUrl } from '../authority-keystore.ts';
import { curve } from '../curve.ts';
import { version } from '../version.ts';
import { DEMO_DUTY, openChain } from './chain.ts';
import { type StartConfig, startRule, startSettings } from './config.ts';
import { DemoMiners } from './demo-miners.ts';
import { firstFreePort } from './free-port.ts';
import { Live } from './live.ts';
import { Notices } from './notices.ts';
import { Observer } from './observer.ts';
import { openBus, type PoolModules, startPool } from './pool.ts';
import { Screen } from './screen.ts';

const doc =
  'Runs the whole pool in this process: next to your bitcoind, or on a simulated chain with a few miners on this CPU.';
/** Without a value, on the simulated chain. */
const DEMO_MINERS = 3;

export async function main(argv: readonly string[], commands?: CommandTables): Promise<number> {
  const line = await readCommandLine({
    ...{ name: 'start', usage: 'npm start -- [flags], or sluice start [flags]', doc, argv, commands },
    ...{ settings: startSettings, rule: startRule },
  });
  if (line.config === undefined) return line.exitCode;
  const { config } = line;
  const notices = new Notices();
  // On a terminal the log is part of the view.
  const destination = process.stdout.isTTY ? notices.destination : process.stderr;
  const log = createLogger({ name: 'start', level: config.logLevel, format: 'text', destination });
  const shutdown = new Shutdown(log);
  const ignoreSignals = shutdownOnSignals(shutdown, log);
  const modules = { clock: systemClock, log, metrics: new MetricsRegistry(), health: new Health(), shutdown };
  try {
    const starting = start(config, modules, notices);
    // A signal during the start ends it too; its own failure is then of no interest.
    starting.catch(() => undefined);
    await Promise.race([starting, shutdown.requested()]);
    await shutdown.requested();
    modules.health.stopping();
    process.stdout.write('stopping\n');
    return (await shutdown.run()) ? ExitCode.ok : ExitCode.failed;
  } catch (error) {
    await shutdown.run();
    process.stderr.write(`sluice start: ${codedMessageOf(error)}\n`);
    return ExitCode.failed;
  } finally {
    ignoreSignals();
  }
}

async function start(config: StartConfig, modules: PoolModules, notices: Notices): Promise<void> {
  const { clock, log, metrics, health, shutdown } = modules;
  const say = (line: string) => process.stdout.write(`${line}\n`);
  metrics.addProcessMetrics();
  const healthServer = await startHealthServer(await freePort(config.health, say), { health, metrics });
  shutdown.add('health server', () => healthServer.close());
  let running = false;
  health.check('start', () => (running ? undefined : 'not started yet'));

  const listen = await freePort(config.listen, say);
  const ec = curve();
  if (ec === nobleEc)
    log.warn('handshakes use the reference curve, which is slower and not constant-time: run npm run secp256k1');
  const authority = openAuthorityKey(join(config.data, 'authority.key'), ec);
  const chain = openChain(config, clock);
  // Work of one chain is worth nothing on another: each has its own state.
  const directory = join(config.data, config.bitcoind.length > 0 ? chain.network : 'simulated');
  const bus = await openBus(directory, modules);
  const observer = new Observer(bus, () => clock.now());
  await observer.start();
  shutdown.add('observer', () => observer.stop());

  const url = poolUrl(formatHostPort(listen), authority);
  const screen = new Screen(process.stdout);
  if (process.stdout.isTTY !== true) say(`Mining on ${chain.label}\nPoint a miner at ${url}`);
  const live = new Live({ version: version(), chain: chain.label, url }, { ...modules, observer, notices, screen });
  shutdown.add('live view', () => live.stop());
  live.start();

  const payout = config.payout === undefined ? {} : { payout: config.payout };
  const pool = { listen, directory, chain, ec, authoritySecret: authority.secret, ...payout };
  await startPool(pool, bus, modules);
  running = true;
  const count = config.demoMiners ?? (config.bitcoind.length > 0 ? 0 : DEMO_MINERS);
  if (count > 0) {
    const options = { count, duty: DEMO_DUTY, address: listen, authorityKey: authority.publicKey };
    const miners = new DemoMiners({ ...options, onHashrate: chain.tune }, modules.log);
    shutdown.add('demo miners', () => miners.stop());
    miners.start();
  }
}

async function freePort(wanted: HostPort, say: (line: string) => void): Promise<HostPort> {
  const free = await firstFreePort(wanted);
  if (wanted.port !== 0 && free.port !== wanted.port) say(`port ${wanted.port} is taken, using ${free.port}`);
  return free;
}
