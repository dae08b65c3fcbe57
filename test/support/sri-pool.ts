// SRI's pool as a process on loopback, with its templates from a Template Distribution server.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { listens } from './listens.ts';
import { PeerProcess } from './peer-process.ts';
import { SRI_AUTHORITY_PUBLIC_KEY, SRI_AUTHORITY_SECRET_KEY } from './sri-example-keys.ts';
import { waitFor } from './wait-for.ts';

const START_MS = 60_000;
const ACCEPTED_METRIC = 'sv2_client_shares_accepted_total{';

export interface SriPoolOptions {
  /** Path of pool_sv2. */
  readonly program: string;
  readonly templateServer: { readonly port: number; readonly authorityKey: string };
  /** An output descriptor. */
  readonly payout: string;
  /** Default 6; it also bounds the accepted shares of a channel for each tip. */
  readonly sharesPerMinute?: number;
  /** Accepted shares of a channel for each acknowledgement; default 1. It never acknowledges on time. */
  readonly shareBatchSize?: number;
  /** Extensions that it grants; default none. */
  readonly supportedExtensions?: readonly number[];
  /** Nothing below errors is logged: its default has a line for each share. */
  readonly quiet?: boolean;
}

export class SriPool {
  readonly port: number;
  readonly authorityKey = SRI_AUTHORITY_PUBLIC_KEY;
  readonly process: PeerProcess;
  readonly #monitoringPort: number;
  readonly #directory: string;

  private constructor(port: number, monitoringPort: number, directory: string, process: PeerProcess) {
    this.port = port;
    this.#monitoringPort = monitoringPort;
    this.#directory = directory;
    this.process = process;
  }

  /** Resolves when miners can connect: it listens once it has a template and its tip. */
  static async start(options: SriPoolOptions): Promise<SriPool> {
    const { templateServer, payout, sharesPerMinute = 6, shareBatchSize = 1, supportedExtensions = [] } = options;
    const directory = mkdtempSync(join(tmpdir(), 'sluice-sri-pool-'));
    const [port, monitoringPort] = [await freePort(), await freePort()];
    const config = join(directory, 'pool.toml');
    writeFileSync(
      config,
      `authority_public_key = "${SRI_AUTHORITY_PUBLIC_KEY}"
authority_secret_key = "${SRI_AUTHORITY_SECRET_KEY}"
cert_validity_sec = 3600
listen_address = "127.0.0.1:${port}"
coinbase_reward_script = "${payout}"
server_id = 1
pool_signature = "SRI"
shares_per_minute = ${sharesPerMinute.toFixed(1)}
share_batch_size = ${shareBatchSize}
supported_extensions = [${supportedExtensions}]
monitoring_address = "127.0.0.1:${monitoringPort}"
monitoring_cache_refresh_secs = 1

[template_provider_type.Sv2Tp]
address = "127.0.0.1:${templateServer.port}"
public_key = "${templateServer.authorityKey}"
`,
    );
    const environment: Record<string, string> = options.quiet ? { RUST_LOG: 'error' } : {};
    const pool = new SriPool(
      port,
      monitoringPort,
      directory,
      new PeerProcess(options.program, ['-c', config], environment),
    );
    try {
      if (options.quiet) await waitFor(() => listens(port), START_MS);
      else
        await pool.process.until(() =>
          pool.process.lines.some((line) => /listening|Starting downstream server/i.test(line)),
        );
      return pool;
    } catch (error) {
      await pool.stop();
      throw error;
    }
  }

  /** Shares that it accepted on the channels that are open, by its own count of a second ago at most. */
  async sharesAccepted(): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${this.#monitoringPort}/metrics`);
    const lines = (await response.text()).split('\n').filter((line) => line.startsWith(ACCEPTED_METRIC));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  async stop(): Promise<void> {
    await this.process.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
