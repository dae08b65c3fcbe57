// A real HAProxy in front of ports on loopback. It connects from an address of its own, so that it can be told from who comes by itself.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installPackages, mayInstall, onPath } from './debian-packages.ts';
import { listens } from './listens.ts';
import { PeerProcess } from './peer-process.ts';
import { waitFor } from './wait-for.ts';

/** Where its connections come from. */
export const HAPROXY_ADDRESS = '127.0.0.7';

/** Why there is none here, in one line for a skipped test; undefined when there is one, or can be. */
export const whyNoHaproxy = (): string | undefined =>
  onPath('haproxy') || mayInstall()
    ? undefined
    : 'HAProxy in front of the proxy is not shown: apt-get install haproxy, as root';

export interface HaproxyRoute {
  /** Where it listens, on loopback. */
  readonly port: number;
  /** Where it hands connections on to, on loopback. */
  readonly to: number;
  /** How it does that, such as `send-proxy-v2`. */
  readonly options: string;
}

export class Haproxy {
  readonly #process: PeerProcess;
  readonly #directory: string;

  private constructor(process: PeerProcess, directory: string) {
    this.#process = process;
    this.#directory = directory;
  }

  /** Resolves when clients can connect. */
  static async start(routes: readonly HaproxyRoute[]): Promise<Haproxy> {
    if (!onPath('haproxy')) await installPackages('haproxy');
    const directory = mkdtempSync(join(tmpdir(), 'sluice-haproxy-'));
    const file = join(directory, 'haproxy.cfg');
    writeFileSync(file, configuration(routes));
    const process = new PeerProcess('haproxy', ['-db', '-f', file]);
    const haproxy = new Haproxy(process, directory);
    for (const { port } of routes) await waitFor(() => listens(port));
    return haproxy;
  }

  async stop(): Promise<void> {
    await this.#process.stop();
    rmSync(this.#directory, { recursive: true });
  }
}

/** Else a check ends with a reset right behind its header, which a busy machine does not read any more then. */
const CLEAN_CHECKS = 'option tcp-check\n  tcp-check connect default linger';

function configuration(routes: readonly HaproxyRoute[]): string {
  const sections = routes.map(
    ({ port, to, options }, index) => `
listen port-${index}
  bind 127.0.0.1:${port}
  ${options.includes(' check ') ? CLEAN_CHECKS : ''}
  server sluice 127.0.0.1:${to} source ${HAPROXY_ADDRESS} ${options}
`,
  );
  const times = ['connect 2s', 'client 30s', 'server 30s'].map((time) => `  timeout ${time}\n`);
  return ['defaults\n  mode tcp\n', ...times, ...sections].join('');
}
