// Runs one service as a process: settings, logs, metrics, health, start, signals, ordered stop. A service's main.ts is a
// call of this and nothing else.
import { type Clock, systemClock } from './clock.ts';
import { type CommandTables, readCommandLine } from './config/command-line.ts';
import { formatHostPort } from './config/value-types.ts';
import type { ConfigOf, ConfigRule, Settings } from './config.ts';
import { codeOf, messageOf } from './errors.ts';
import { ExitCode } from './exit-code.ts';

import { Health, startHealthServer } from './health.ts';
import { JsonRoutes } from './json-routes.ts';
import { createLogger, type Logger } from './logger.ts';
import { MetricsRegistry } from './metrics.ts';
import { OrderRoutes } from './order-routes.ts';
import { showProcess } from './process-metrics.ts';
import { processSettings } from './process-settings.ts';
import { Shutdown, shutdownOnSignals } from './shutdown.ts';
import { endOnUncaught } from './uncaught.ts';

/** What a service is to whoever runs it. */
export interface Service {
  /** Resolves when the service does its work or waits for others to; rejects when it never can. */
  start(): Promise<void>;
  /** Resolves when nothing of it is left. Called once, also after a failed start. */
  stop(): Promise<void>;
}

/** What a process gives to its service. */
export interface ServiceContext<S extends Settings> {
  readonly config: ConfigOf<S>;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  readonly health: Health;
  /** Add here what the service tells of its state over HTTP, beside /readyz. */
  readonly routes: JsonRoutes;
  /** Add here what may be told to it there. */
  readonly orderRoutes: OrderRoutes;
  readonly clock: Clock;
  /** Add here what `create` opened, such as the bus; it is closed after the service has stopped. */
  readonly shutdown: Shutdown;
}

export interface ServiceProgram<S extends Settings> {
  /** The command, such as `share-validator`. */
  readonly name: string;
  /** One sentence for help. */
  readonly doc: string;
  readonly settings: S;
  /** What holds between several settings. */
  readonly rule?: ConfigRule<S>;
  readonly argv: readonly string[];
  readonly commands?: CommandTables | undefined;
  /** Deadline of the service's own stop; default 30 s. */
  readonly stopDeadlineMs?: number;
  create(context: ServiceContext<S>): Promise<Service> | Service;
}

const DEFAULT_STOP_DEADLINE_MS = 30_000;

/** Resolves with the exit code when the service has ended. */
export async function runService<S extends Settings>(program: ServiceProgram<S>): Promise<number> {
  const { name, doc, argv, commands } = program;
  const line = await readCommandLine<Settings>({
    ...{ name, doc, argv, commands },
    settings: { ...program.settings, ...processSettings },
    rule: (config, placeOf) => program.rule?.(config as ConfigOf<S>, placeOf) ?? [],
  });
  if (line.config === undefined) return line.exitCode;
  const config = line.config as ConfigOf<S & typeof processSettings>;
  const { health: healthAddress, logLevel, logFormat } = config as ConfigOf<typeof processSettings>;
  const log = createLogger({ name: program.name, level: logLevel, format: logFormat });
  const metrics = new MetricsRegistry();
  showProcess(metrics);
  const health = new Health();
  const routes = new JsonRoutes();
  const orderRoutes = new OrderRoutes({ log, clock: systemClock });
  const shutdown = new Shutdown(log);
  const ignoreSignals = shutdownOnSignals(shutdown, log);
  const ignoreUncaught = endOnUncaught(shutdown, log);
  try {
    const server = await startHealthServer(healthAddress, { health, metrics, routes, orderRoutes });
    shutdown.add('health server', () => server.close());
    log.info({ health: formatHostPort(server) }, 'starting');
    return await serve(program, {
      config,
      log,
      metrics,
      health,
      routes,
      orderRoutes,
      clock: systemClock,
      shutdown,
    });
  } catch (error) {
    log.error({ code: codeOf(error), reason: messageOf(error) }, 'cannot start');
    await shutdown.run();
    return ExitCode.failed;
  } finally {
    ignoreSignals();
    ignoreUncaught();
  }
}

/** Rejects only when the service could not start. */
async function serve<S extends Settings>(program: ServiceProgram<S>, context: ServiceContext<S>): Promise<number> {
  const { log, health, shutdown } = context;
  let started = false;
  health.check('started', () => (started ? undefined : 'not started yet'));
  const starting = (async () => {
    const service = await program.create(context);
    shutdown.add(program.name, () => service.stop(), program.stopDeadlineMs ?? DEFAULT_STOP_DEADLINE_MS);
    await service.start();
    started = true;
    log.info('started');
  })();
  // A signal ends the start too, as while it waits for a bus that is away; its own failure is then of no interest.
  starting.catch(() => undefined);
  const interrupted = shutdown.requested();
  await Promise.race([starting, interrupted]);
  const reason = await interrupted;
  health.stopping();
  log.info({ reason }, 'stopping');
  const clean = await shutdown.run();
  log.info('stopped');
  return clean ? ExitCode.ok : ExitCode.failed;
}
