// `sluice template-provider --standalone` as a process on loopback: the templates of real nodes, or of its own simulated chain, for
// whoever speaks Template Distribution. It can be killed and started again.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAuthorityKey } from '@sluice/cli/authority-keystore';
import type { Bitcoind } from './bitcoind.ts';
import { freePort } from './free-port.ts';
import { ServiceProcess } from './service-process.ts';

export type TemplateSource =
  /** The preferred node first; on regtest unless told otherwise. */
  | { readonly nodes: readonly Bitcoind[]; readonly network?: 'regtest' | 'signet' }
  /** Compact target of 8 hexadecimal digits, on regtest. `blockSeconds`: mean time between blocks of somebody else; default: there are none. */
  | { readonly simulatedNbits: string; readonly blockSeconds?: number };

export class TemplateServer {
  readonly port: number;
  /** Base58check, for clients. */
  readonly authorityKey: string;
  readonly process: ServiceProcess;
  readonly #directory: string;

  private constructor(source: TemplateSource, directory: string, port: number, healthPort: number) {
    const key = join(directory, 'authority.key');
    this.port = port;
    this.authorityKey = openAuthorityKey(key).text;
    this.#directory = directory;
    this.process = new ServiceProcess({
      name: 'template-provider',
      command: 'template-provider',
      flags: [
        ...['--standalone', ...sourceFlags(source), '--authority-secret-file', key],
        ...['--template-listen', `127.0.0.1:${port}`, '--solution-listen', '127.0.0.1:0'],
        ...['--template-poll', '1', '--template-refresh', '1'],
      ],
      healthPort,
      directory,
    });
  }

  /** Resolves when clients can connect. */
  static async start(source: TemplateSource): Promise<TemplateServer> {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-templates-'));
    const server = new TemplateServer(source, directory, await freePort(), await freePort());
    try {
      await server.launch();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Starts the process on the same port and folder as before: also after it was killed. */
  async launch(): Promise<void> {
    this.process.launch();
    await this.process.ready();
  }

  async stop(): Promise<void> {
    await this.process.kill('SIGTERM');
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function sourceFlags(source: TemplateSource): readonly string[] {
  if ('simulatedNbits' in source) {
    const { simulatedNbits, blockSeconds = 0 } = source;
    const chain = ['--simulated-nbits', simulatedNbits, '--simulated-block-seconds', String(blockSeconds)];
    return ['--network', 'regtest', '--simulated-chain', ...chain];
  }
  const urls = source.nodes.flatMap(({ rpcPort, cookieFile, zmqRawBlock }) => {
    const query = new URLSearchParams({ cookie: cookieFile, zmq: zmqRawBlock });
    return ['--bitcoind', `http://127.0.0.1:${rpcPort}/?${query}`];
  });
  return ['--network', source.network ?? 'regtest', ...urls];
}
