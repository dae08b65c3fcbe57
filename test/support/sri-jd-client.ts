// SRI's job declaration client as a process on loopback: miners below, templates from a Template Distribution server. It mines solo, at
// once or when what is above it is gone.
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
  /** An output descriptor, of solo mining. */
  readonly payout: string;
  /** A pool and its job declaration server, both at this port and of this authority. */
  readonly upstream?: { readonly port: number; readonly authorityKey: string };
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
  static async start({ program, templateServer, payout, upstream }: SriJdClientOptions): Promise<SriJdClient> {
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
mode = "${upstream === undefined ? 'SOLOMINING' : 'FULLTEMPLATE'}"
jdc_signature = "SRI"
coinbase_reward_script = "${payout}"
${upstream === undefined ? 'upstreams = []' : ''}

[template_provider_type.Sv2Tp]
address = "127.0.0.1:${templateServer.port}"
public_key = "${templateServer.authorityKey}"
${upstream === undefined ? '' : upstreamTable(upstream)}`,
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

function upstreamTable({ port, authorityKey }: NonNullable<SriJdClientOptions['upstream']>): string {
  return `
[[upstreams]]
authority_pubkey = "${authorityKey}"
pool_address = "127.0.0.1"
pool_port = ${port}
jds_address = "127.0.0.1"
jds_port = ${port}
user_identity = "sluice.test"
`;
}
