// SRI's job declaration client as a process on loopback, mining solo: miners below, templates from a Template Distribution server, no
// pool and no job declaration server above.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { PeerProcess } from './peer-process.ts';
import { SRI_AUTHORITY_PUBLIC_KEY, SRI_AUTHORITY_SECRET_KEY } from './sri-example-keys.ts';

export interface SriJdClientOptions {
  /** Path of jd_client_sv2. */
  readonly program: string;
  readonly templateServer: { readonly port: number; readonly authorityKey: string };
  /** An output descriptor. */
  readonly payout: string;
}

export class SriJdClient {
  readonly port: number;
  readonly authorityKey = SRI_AUTHORITY_PUBLIC_KEY;
  readonly process: PeerProcess;
  readonly #directory: string;

  private constructor(port: number, directory: string, process: PeerProcess) {
    this.port = port;
    this.#directory = directory;
    this.process = process;
  }

  /** Resolves when it serves miners: once it has a template and its tip. */
  static async start({ program, templateServer, payout }: SriJdClientOptions): Promise<SriJdClient> {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-sri-jd-client-'));
    const port = await freePort();
    const config = join(directory, 'jd-client.toml');
    writeFileSync(
      config,
      `listening_address = "127.0.0.1:${port}"
max_supported_version = 2
min_supported_version = 2
authority_public_key = "${SRI_AUTHORITY_PUBLIC_KEY}"
authority_secret_key = "${SRI_AUTHORITY_SECRET_KEY}"
cert_validity_sec = 3600
shares_per_minute = 6.0
share_batch_size = 1
mode = "SOLOMINING"
jdc_signature = "SRI"
coinbase_reward_script = "${payout}"
upstreams = []

[template_provider_type.Sv2Tp]
address = "127.0.0.1:${templateServer.port}"
public_key = "${templateServer.authorityKey}"
`,
    );
    const client = new SriJdClient(port, directory, new PeerProcess(program, ['-c', config]));
    try {
      await client.process.until(() => client.logged('ready to accept connections') > 0);
      return client;
    } catch (error) {
      await client.stop();
      throw error;
    }
  }

  /** Lines of its log with this text. */
  logged(text: string): number {
    return this.process.lines.filter((line) => line.includes(text)).length;
  }

  async stop(): Promise<void> {
    await this.process.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
