// Finds a nats-server (`NATS_SERVER`, then PATH) or builds the pinned version with the machine's Go into the cache.
import { existsSync, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cacheRoot } from './cache.ts';
import { run } from './run.ts';

const version = '2.15.2';

/** Rejects, naming what is missing, when there is none and none can be built. */
export async function natsServerBinary(): Promise<string> {
  const own = process.env.NATS_SERVER ?? onPath('nats-server');
  if (own !== undefined) return own;
  const directory = join(cacheRoot, 'bin', `nats-server-${version}`);
  const binary = join(directory, 'nats-server');
  if (existsSync(binary)) return binary;
  const go = onPath('go') ?? '/usr/local/go/bin/go';
  if (!existsSync(go))
    throw new Error('no nats-server: put one on PATH, name it in NATS_SERVER, or install Go to build it');
  mkdirSync(directory, { recursive: true });
  await run(go, ['install', `github.com/nats-io/nats-server/v2@v${version}`], { env: { GOBIN: directory } });
  return binary;
}

function onPath(name: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find((file) => existsSync(file));
}
