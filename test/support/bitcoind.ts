// A real bitcoind, on regtest unless told otherwise: started on free loopback ports with its own data folder, and what tests ask of it.
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bitcoindCommand } from './bitcoind-binary.ts';
import { freePort } from './free-port.ts';

/** For all blocks of a call: on signet one takes five millions. */
export const MAX_HASHES = 2 ** 31 - 1;

export interface BitcoindOptions {
  readonly chain?: 'regtest' | 'signet';
  /** Extra command-line options, such as `-blockmaxweight=…`. */
  readonly extraArguments?: readonly string[];
  /** Data folder of another to begin with a copy of. */
  readonly data?: string;
  /** Nodes to connect to by P2P. */
  readonly peers?: readonly Bitcoind[];
}

/** Of `rpcEach`, in a request: a node on a busy machine answers them in seconds. */
const CALLS_AT_ONCE = 100;

interface RpcAnswer {
  readonly result: unknown;
  readonly error: { readonly code: number; readonly message: string } | null;
}

export class Bitcoind {
  readonly directory: string;
  readonly rpcPort: number;
  readonly p2pPort: number;
  readonly zmqRawBlock: string;
  readonly #options: BitcoindOptions;
  #process: ChildProcess | undefined;

  private constructor(directory: string, ports: readonly number[], options: BitcoindOptions) {
    this.directory = directory;
    this.rpcPort = ports[0] ?? 0;
    this.p2pPort = ports[1] ?? 0;
    this.zmqRawBlock = `tcp://127.0.0.1:${ports[2]}`;
    this.#options = options;
  }

  static async start(options: BitcoindOptions = {}): Promise<Bitcoind> {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-bitcoind-'));
    if (options.data !== undefined) cpSync(options.data, directory, { recursive: true });
    const node = new Bitcoind(directory, [await freePort(), await freePort(), await freePort()], options);
    await node.launch();
    return node;
  }

  /** Starts the process on the same folder and ports as before: also after `kill`. */
  async launch(): Promise<void> {
    const { program, leadingArguments } = await bitcoindCommand();
    this.#process = spawn(
      program,
      [
        ...leadingArguments,
        `-${this.#chain}`,
        `-datadir=${this.directory}`,
        '-server',
        '-listen=1',
        `-bind=127.0.0.1:${this.p2pPort}`,
        `-rpcport=${this.rpcPort}`,
        '-rpcbind=127.0.0.1',
        '-rpcallowip=127.0.0.1',
        `-zmqpubrawblock=${this.zmqRawBlock}`,
        '-fallbackfee=0.0001',
        '-txindex=1',
        '-printtoconsole=0',
        // What a wallet has not synced survives the process, though not the machine.
        '-unsafesqlitesync=1',
        ...(this.#options.peers ?? []).map((peer) => `-addnode=127.0.0.1:${peer.p2pPort}`),
        ...(this.#options.extraArguments ?? []),
      ],
      { stdio: 'ignore' },
    );
    const deadline = Date.now() + 60_000;
    for (;;) {
      try {
        await this.rpc('getblockchaininfo');
        return;
      } catch (error) {
        if (Date.now() > deadline) throw new Error('bitcoind did not answer within 60 s', { cause: error });
        await sleep(100);
      }
    }
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** `http://user:password@host:port/`, from the cookie of this run. */
  get url(): string {
    return `http://${this.#cookie()}@127.0.0.1:${this.rpcPort}/`;
  }

  get cookieFile(): string {
    return join(this.directory, this.#chain, '.cookie');
  }

  get #chain(): string {
    return this.#options.chain ?? 'regtest';
  }

  #cookie(): string {
    if (!existsSync(this.cookieFile)) throw new Error('bitcoind has written no cookie yet');
    return readFileSync(this.cookieFile, 'utf8').trim();
  }

  // biome-ignore lint/suspicious/noExplicitAny: each call of the RPC has a result of its own shape; tests know which.
  async rpc(method: string, parameters: readonly unknown[] = [], wallet?: string): Promise<any> {
    const answer = await this.#post({ jsonrpc: '1.0', id: 0, method, params: parameters }, wallet);
    return resultOf(method, answer as RpcAnswer);
  }

  /** The call with each of these parameters, many of them in a request; results in their order. */
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  async rpcEach(method: string, parameters: readonly (readonly unknown[])[], wallet?: string): Promise<any[]> {
    const results: unknown[] = [];
    for (let from = 0; from < parameters.length; from += CALLS_AT_ONCE) {
      const calls = parameters.slice(from, from + CALLS_AT_ONCE);
      const request = calls.map((params, id) => ({ jsonrpc: '1.0', id, method, params }));
      const answers = (await this.#post(request, wallet)) as readonly RpcAnswer[];
      results.push(...answers.map((answer) => resultOf(method, answer)));
    }
    return results;
  }

  async #post(body: object, wallet?: string): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${this.rpcPort}/${wallet === undefined ? '' : `wallet/${wallet}`}`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(this.#cookie()).toString('base64')}` },
      body: JSON.stringify(body),
    });
    return response.json();
  }

  /** Mines blocks to a script nobody here owns; another `branch` makes other blocks of the same parent and second. */
  async generate(count: number, branch = 0): Promise<string[]> {
    const { descriptor } = await this.rpc('getdescriptorinfo', [`raw(51${branch.toString(16).padStart(2, '0')})`]);
    return this.rpc('generatetodescriptor', [count, descriptor, MAX_HASHES]);
  }

  async kill(signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill('SIGTERM');
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function resultOf(method: string, { result, error }: RpcAnswer): unknown {
  if (error !== null) throw new Error(`${method}: ${error.message} (${error.code})`);
  return result;
}
