// Runs a command to its end and fails with what it printed.
import { spawn } from 'node:child_process';

interface RunOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  /** Of both outputs, as it comes. */
  readonly onOutput?: (text: string) => void;
}

/** Resolves with standard output; rejects with the last lines of both outputs when the exit code is not 0. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, ...options.env },
    });
    let out = '';
    let all = '';
    const take = (text: string) => {
      all += text;
      options.onOutput?.(text);
    };
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      take(chunk.toString());
    });
    child.stderr.on('data', (chunk: Buffer) => take(chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(out);
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}:\n${all.slice(-4000)}`));
    });
  });
}
