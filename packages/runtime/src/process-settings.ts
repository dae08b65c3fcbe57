// Settings that every process has, whatever its service.

import { type HostPort, listenAddress, oneOf } from './config/value-types.ts';
import { defineConfig } from './config.ts';
import { type LogFormat, type LogLevel, logFormats, logLevels } from './logger.ts';

const defaultHealth: HostPort = { host: '127.0.0.1', port: 9100 };

export const processSettings = defineConfig({
  health: {
    type: listenAddress(),
    default: defaultHealth,
    doc: 'Where /livez, /readyz and /metrics are served.',
  },
  logLevel: {
    type: oneOf(logLevels),
    default: 'info' satisfies LogLevel as LogLevel,
    doc: 'Least severe level that is logged.',
  },
  logFormat: {
    type: oneOf(logFormats),
    default: 'auto' satisfies LogFormat as LogFormat,
    doc: 'Form of the log: auto is text on a terminal and JSON elsewhere.',
  },
});
