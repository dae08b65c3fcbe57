// pino, as JSON lines for machines or calm lines for a terminal. Nothing is logged per share; secrets never are.
import { Writable } from 'node:stream';
import { type Logger, pino, stdSerializers } from 'pino';

export type { Logger } from 'pino';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export const logFormats = ['auto', 'json', 'text'] as const;
export type LogFormat = (typeof logFormats)[number];

export interface LoggerOptions {
  /** The service's name: `service` in JSON. */
  readonly name: string;
  readonly level: LogLevel;
  /** `auto`: text on a terminal, else JSON. */
  readonly format: LogFormat;
  /** Default: standard error for text, standard output for JSON. */
  readonly destination?: Writable;
}

/** Fields that hold key material or credentials wherever somebody logs the object around them. */
const SECRET_FIELDS = ['password', 'secret', 'secretKey', 'staticSecret', 'authoritySecret', 'credentials', 'token'];

export function createLogger(options: LoggerOptions): Logger {
  const text = options.format === 'text' || (options.format === 'auto' && process.stdout.isTTY === true);
  const destination = options.destination ?? (text ? process.stderr : process.stdout);
  return pino(
    {
      level: options.level,
      base: { service: options.name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: stdSerializers.err, err: stdSerializers.err },
      redact: { paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`]), censor: '(secret)' },
    },
    text ? textLines(destination) : destination,
  );
}

/** For tests and tools: drops everything. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' });
}

/** Fields that every line has, or that the text shows in another way. */
const UNLISTED = new Set(['level', 'time', 'service', 'msg', 'error', 'err']);

function fieldText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[\w.:/@+-]+$/.test(text) ? text : JSON.stringify(text);
}

/** One calm line: `12:03:04 warn  gateway  bus is away  since=…`. */
export function textLine(json: string): string {
  const entry = JSON.parse(json) as Record<string, unknown>;
  const error = (entry.error ?? entry.err) as { message?: string; code?: string; stack?: string } | undefined;
  const fields = Object.entries(entry)
    .filter(([name, value]) => !UNLISTED.has(name) && value !== undefined)
    .map(([name, value]) => `${name}=${fieldText(value)}`);
  if (error?.message !== undefined) fields.push(`error=${JSON.stringify(error.message)}`);
  const time = String(entry.time).slice(11, 19);
  const head = `${time} ${String(entry.level).padEnd(5)} ${String(entry.service)}  ${String(entry.msg ?? '')}`;
  const stack = entry.level === 'fatal' && error?.stack !== undefined ? `\n${error.stack}` : '';
  return `${[head, ...fields].join('  ')}${stack}\n`;
}

function textLines(destination: Writable): Writable {
  return new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      destination.write(textLine(chunk));
      done();
    },
  });
}
