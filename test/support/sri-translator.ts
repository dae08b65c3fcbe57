// SRI's translator as a process on loopback: SV1 miners in front, pools of Stratum V2 behind, tried in the order given.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { listens } from './listens.ts';
import { PeerProcess } from './peer-process.ts';
import { waitFor } from './wait-for.ts';

export interface TranslatorUpstream {
  /** `127.0.0.1:PORT` */
  readonly address: string;
  readonly authorityKey: string;
  /** What it names itself there; default `farm`. It appends `.minerN`, or `.translator-proxy` when it aggregates. */
  readonly identity?: string;
}

export interface SriTranslatorOptions {
  /** Path of translator_sv2. */
  readonly program: string;
  readonly upstreams: readonly TranslatorUpstream[];
  /** All miners on one channel, instead of a channel each. */
  readonly aggregate: boolean;
  /** Hashes a second that it takes each miner for; default 2,000. */
  readonly minerHashrate?: number;
  /** Shares that it wants of each miner; default 60. */
  readonly sharesPerMinute?: number;
  /** Extensions that it asks for, and falls back without. */
  readonly requiredExtensions?: readonly number[];
  /** Seconds until a job is sent again with a later time; default 0, never. */
  readonly keepaliveSeconds?: number;
  /** Whether a miner's difficulty follows its shares; default true. */
  readonly vardiff?: boolean;
  /** Nothing below errors is logged; default false. Then `listens` tells whether it is there, and `ready` does not. */
  readonly quiet?: boolean;
  /** Whether jobs must pay the address that the identity names. */
  readonly verifyPayout?: boolean;
}

export class SriTranslator {
  /** For SV1 miners. */
  readonly port: number;
  readonly process: PeerProcess;
  readonly #directory: string;

  private constructor(port: number, process: PeerProcess, directory: string) {
    this.port = port;
    this.process = process;
    this.#directory = directory;
  }

  /** Resolves as soon as it runs: it takes miners when an upstream has taken it, see `ready`. */
  static async start(options: SriTranslatorOptions): Promise<SriTranslator> {
    const { program, upstreams, aggregate, minerHashrate = 2_000, sharesPerMinute = 60 } = options;
    const { requiredExtensions = [], keepaliveSeconds = 0, verifyPayout = false } = options;
    const { vardiff = true, quiet = false } = options;
    const directory = mkdtempSync(join(tmpdir(), 'sluice-sri-translator-'));
    const port = await freePort();
    const config = join(directory, 'translator.toml');
    const extensions = JSON.stringify(requiredExtensions);
    writeFileSync(
      config,
      `downstream_address = "127.0.0.1"
downstream_port = ${port}
max_supported_version = 2
min_supported_version = 2
downstream_extranonce2_size = 4
verify_payout = ${verifyPayout}
aggregate_channels = ${aggregate}
supported_extensions = ${extensions}
required_extensions = ${extensions}

[downstream_difficulty_config]
min_individual_miner_hashrate = ${minerHashrate.toFixed(1)}
shares_per_minute = ${sharesPerMinute.toFixed(1)}
enable_vardiff = ${vardiff}
job_keepalive_interval_secs = ${keepaliveSeconds}
${upstreams.map(upstreamTable).join('')}`,
    );
    const environment: Record<string, string> = quiet ? { RUST_LOG: 'error' } : {};
    return new SriTranslator(port, new PeerProcess(program, ['-c', config], environment), directory);
  }

  /** Resolves when miners can connect; after a fallback they can again. */
  async ready(times = 1): Promise<void> {
    await this.process.until(() => this.count('Translator Proxy: listening on') >= times);
  }

  /** Resolves when miners can connect, whatever it logs. */
  async listens(): Promise<void> {
    await waitFor(() => listens(this.port));
  }

  /** Lines of its log that hold this text. */
  count(text: string): number {
    return this.process.lines.filter((line) => line.includes(text)).length;
  }

  async stop(): Promise<void> {
    await this.process.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function upstreamTable({ address, authorityKey, identity = 'farm' }: TranslatorUpstream): string {
  const [host, port] = address.split(':');
  return `
[[upstreams]]
address = "${host}"
port = ${port}
authority_pubkey = "${authorityKey}"
user_identity = "${identity}"
`;
}
