// `sluice start`: the whole pool on one machine, with a live view.
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { nobleEc } from '@sluice/noise/noble-ec';
import { systemClock } from '@sluice/runtime/clock';
import type { PlaceOf } from '@sluice/runtime/config';
import { type CommandTables, readCommandLine } from '@sluice/runtime/config/command-line';
import { formatHostPort, type HostPort } from '@sluice/runtime/config/value-types';
import { codedMessageOf } from '@sluice/runtime/errors';
import { ExitCode } from '@sluice/runtime/exit-code';
import { Health, startHealthServer } from '@sluice/runtime/health';
import { createLogger } from '@sluice/runtime/logger';
import { MetricsRegistry } from '@sluice/runtime/metrics';
import { showProcess } from '@sluice/runtime/process-metrics';
import { Shutdown, shutdownOnSignals } from '@sluice/runtime/shutdown';
import { endOnUncaught } from '@sluice/runtime/uncaught';
import { version } from '@sluice/runtime/version';
import { openAuthorityKey, poolUrl } from '../authority-keystore.ts';
import { curve } from '../curve.ts';
import { DEMO_DUTY, openChain } from './chain.ts';
import { beginCompiled } from './compiled.ts';
import { authorityKeyFile, type StartConfig, startRule, startSettings } from './config.ts';
import { DemoMiners } from './demo-miners.ts';
import { freePort, PortTaken, type WantedPort } from './free-port.ts';
import { localHost, reachableHosts } from './lan-addresses.ts';
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
  const { config, placeOf } = line;
  await beginCompiled(() => import('./demo-miners-thread.ts'));
  const notices = new Notices();
  // On a terminal the log is part of the view.
  const destination = process.stdout.isTTY ? notices.destination : process.stderr;
  const log = createLogger({ name: 'start', level: config.logLevel, format: 'text', destination });
  const shutdown = new Shutdown(log);
  const ignoreSignals = shutdownOnSignals(shutdown, log);
  const ignoreUncaught = endOnUncaught(shutdown, log);
  const modules = { clock: systemClock, log, metrics: new MetricsRegistry(), health: new Health(), shutdown };
  try {
    const starting = start(config, placeOf, modules, notices);
    // A signal during the start ends it too; its own failure is then of no interest.
    starting.catch(() => undefined);
    await Promise.race([starting, shutdown.requested()]);
    await shutdown.requested();
    modules.health.stopping();
    process.stdout.write('stopping\n');
    return (await shutdown.run()) ? ExitCode.ok : ExitCode.failed;
  } catch (error) {
    await shutdown.run();
    if (error instanceof PortTaken) {
      process.stderr.write(`sluice start: ${error.message}\n`);
      return ExitCode.usage;
    }
    process.stderr.write(`sluice start: ${codedMessageOf(error)}\n`);
    return ExitCode.failed;
  } finally {
    ignoreSignals();
    ignoreUncaught();
  }
}

async function start(
  config: StartConfig,
  placeOf: PlaceOf<keyof StartConfig>,
  modules: PoolModules,
  notices: Notices,
): Promise<void> {
  const { clock, log, metrics, health, shutdown } = modules;
  showProcess(metrics);
  let running = false;
  health.check('start', () => (running ? undefined : 'not started yet'));
  const ec = curve();
  if (ec === nobleEc)
    log.warn('handshakes use the reference curve, which is slower and not constant-time: run npm run secp256k1');
  const authority = openAuthorityKey(authorityKeyFile(config), ec);
  const chain = openChain(config, clock);
  // Work of one chain is worth nothing on another: each has its own state.
  const directory = join(config.data, chain.simulated ? 'simulated' : chain.network);
  // Before any port is looked for: whoever starts a pool twice must hear of that, not of its ports.
  const bus = await openBus(directory, modules);
  const { listen, healthAddress } = await choosePorts(config, placeOf);
  const healthServer = await startHealthServer(healthAddress, { health, metrics });
  shutdown.add('health server', () => healthServer.close());

  const screen = new Screen(process.stdout);
  const observer = new Observer(
    bus,
    () => clock.now(),
    (block) => screen.showBlock(block),
  );
  await observer.start();
  shutdown.add('observer', () => observer.stop());
  const urls = reachableHosts(listen.host, networkInterfaces()).map((host) =>
    poolUrl(formatHostPort({ ...listen, host }), authority),
  );
  const { payoutByIdentity } = config;
  const pools = config.payout ?? 'nobody: the chain is a simulation';
  const payout = payoutByIdentity ? `${pools}, or to the address that their miner names` : pools;
  if (process.stdout.isTTY !== true) {
    say(`Mining on ${chain.label}, blocks pay to ${payout}`);
    for (const url of urls) say(`Point a miner at ${url}`);
  }
  let refused = (): ReadonlyMap<string, number> => new Map();
  const options = { version: version(), chain: chain.label, urls, payout };
  const live = new Live(options, { ...modules, observer, notices, screen, refused: () => refused() });
  // What the stop says must not be drawn over.
  void shutdown.requested().then(() => live.stop());
  live.start();

  const paid = config.payout === undefined ? {} : { payout: config.payout };
  const pool = { listen, directory, chain, ec, authoritySecret: authority.secret, payoutByIdentity, ...paid };
  const gateway = await startPool(pool, bus, modules);
  refused = () => gateway.refusedByWorker();
  running = true;
  const count = config.demoMiners ?? (chain.simulated ? DEMO_MINERS : 0);
  if (count > 0) {
    const address = { ...listen, host: localHost(listen.host) };
    const demo = { count, duty: DEMO_DUTY, address, authorityKey: authority.publicKey, onHashrate: chain.tune };
    const miners = new DemoMiners(demo, log);
    shutdown.add('demo miners', () => miners.stop());
    miners.start();
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function choosePorts(
  { listen, health }: StartConfig,
  placeOf: PlaceOf<keyof StartConfig>,
): Promise<{ listen: HostPort; healthAddress: HostPort }> {
  const forMiners = await choosePort({
    place: placeOf('listen'),
    address: listen,
    named: listen !== startSettings.listen.default,
  });
  const named = health !== startSettings.health.default;
  const forHealth = { place: placeOf('health'), address: health, named };
  return { listen: forMiners, healthAddress: await choosePort(forHealth, forMiners) };
}

async function choosePort(wanted: WantedPort, promised?: HostPort): Promise<HostPort> {
  const free = await freePort(wanted, promised);
  const { port } = wanted.address;
  if (port !== 0 && free.port !== port) say(`port ${port} is taken, using ${free.port}`);
  return free;
}
