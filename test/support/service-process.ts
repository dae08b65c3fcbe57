// One service as a real process: `node cli/src/main.ts <service> …`, with a folder, a health port and a log of its own. It can be
// killed and started again with the same flags, as a supervisor does.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const cli = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url));
const READY_TIMEOUT_MS = 60_000;
const POLL_MS = 20;
const LOG_TAIL_LINES = 60;

/** What a test's process leaves running when it ends in a way that skips its clean-up. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface ServicePlan {
  /** Unique in the pool: `connection-gateway-0`. */
  readonly name: string;
  readonly command: string;
  readonly flags: readonly string[];
  /** Of Node itself. */
  readonly nodeFlags?: readonly string[];
  readonly healthPort: number;
  /** Holds the process's working folder and its log. */
  readonly directory: string;
}

export class ServiceProcess {
  readonly name: string;
  readonly #plan: ServicePlan;
  #child: ChildProcess | undefined;
  #exit: Promise<number | null> = Promise.resolve(null);

  constructor(plan: ServicePlan) {
    this.name = plan.name;
    this.#plan = plan;
    mkdirSync(this.#workFolder, { recursive: true });
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get healthPort(): number {
    return this.#plan.healthPort;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts the process without waiting for it. */
  launch(): void {
    const { command, flags, nodeFlags = [], healthPort } = this.#plan;
    const log = openSync(this.#logFile, 'a');
    const health = ['--health', `127.0.0.1:${healthPort}`, '--log-format', 'json'];
    const child = spawn(process.execPath, [...nodeFlags, cli, command, ...flags, ...health], {
      cwd: this.#workFolder,
      stdio: ['ignore', log, log],
      env: cleanEnvironment(),
    });
    closeSync(log);
    running.add(child);
    this.#child = child;
    this.#exit = new Promise((resolve) => {
      child.once('exit', (code) => {
        running.delete(child);
        resolve(code);
      });
    });
  }

  /** Resolves when /readyz says yes; fails with the reason and the end of the log. */
  async ready(timeoutMs = READY_TIMEOUT_MS): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    let reason = 'no answer yet';
    while (performance.now() < deadline) {
      if (!this.running) throw new Error(`${this.name} ended before it was ready\n${this.log()}`);
      try {
        const response = await fetch(`http://127.0.0.1:${this.#plan.healthPort}/readyz`);
        reason = await response.text();
        if (response.ok) return;
      } catch {
        // Not listening yet.
      }
      await sleep(POLL_MS);
    }
    throw new Error(`${this.name} is not ready after ${timeoutMs} ms: ${reason}\n${this.log()}`);
  }

  /** Sends the signal; resolves with the exit code when the process is gone. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<number | null> {
    if (this.running) this.#child?.kill(signal);
    return this.#exit;
  }

  /** One metric of the process, added up over its labels; undefined when it has none of that name. @param label such as `kind="x"`, without: all */
  async metric(name: string, label = ''): Promise<number | undefined> {
    return valueIn(await this.#scrape(), name, label);
  }

  /** Several of one scrape, added up over their labels: what is told since the scrape before is told once. */
  async metrics(names: readonly string[]): Promise<readonly (number | undefined)[]> {
    const text = await this.#scrape();
    return names.map((name) => valueIn(text, name, ''));
  }

  async #scrape(): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.#plan.healthPort}/metrics`);
    return response.text();
  }

  /** The last lines of the log. */
  log(lines = LOG_TAIL_LINES): string {
    if (!existsSync(this.#logFile)) return '(no log)';
    return readFileSync(this.#logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }

  get #workFolder(): string {
    return join(this.#plan.directory, this.name);
  }

  get #logFile(): string {
    return join(this.#plan.directory, `${this.name}.log`);
  }
}

function valueIn(exposition: string, name: string, label: string): number | undefined {
  const lines = exposition
    .split('\n')
    .filter((line) => new RegExp(`^${name}(\\{|\\s)`).test(line) && line.includes(label));
  if (lines.length === 0) return undefined;
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** Nothing of what the machine's user has set for a pool of their own. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'XDG_CACHE_HOME', 'SLUICE_SECP256K1_WASM', 'NODE_OPTIONS'];
  return Object.fromEntries(
    kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
